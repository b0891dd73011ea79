"""Only-BN as a task of the shared training loop.

Source: the authors' training/train.py and training/optimizers.py (open_lth).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.errors import ConfigError
from components.trainers.gradient_accumulation import accumulated_gradients
from components.trainers.only_bn.disabled_features import disabled_features
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.export import TransformFn, export_only_bn
from components.trainers.only_bn.losses import cross_entropy
from components.trainers.only_bn.model import ResNet, build_model
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.schedules import rate_schedule
from components.trainers.only_bn.sgd import TorchSgd
from components.trainers.optimization import apply_gradients, prepare_optimizer
from components.trainers.task import Summary, Task
from components.trainers.training_config import TrainingConfig

Batch = Mapping[str, tf.Tensor]


class OnlyBatchNormTask(Task):
    """Classifies images with a ResNet of which BatchNorm alone trains, or one of its controls.

    Args:
        experiment: The recipe.
        network: The network's shape and what of it trains.
        training: How to train.
        num_examples: Images of an epoch, for the epochs of the schedule.
        train_batches: First step -> batches from there on, without end, each a function of (seed,
            step): `image` `[batch, height, width, 3]` float32, normalised and augmented, and
            `label` int64 `[batch]`.
        test_batches: Gives the test images once, without augmentation, in the same form; None
            leaves accuracy out of the summaries.
        image_size: `(height, width)` of the exported signature `serving_default`.
        transform_fn: Serialized records -> `image` and `label`, for the signature `evaluate`;
            without it the model is exported without that signature.

    Raises:
        ConfigError: A batch cannot be divided among replicas and parts, or the last size of the
            training images is not the network's.
    """

    def __init__(
        self,
        experiment: OnlyBatchNormExperiment,
        network: NetworkConfig,
        training: TrainingConfig,
        *,
        num_examples: int,
        train_batches: Callable[[int], tf.data.Dataset],
        test_batches: Callable[[], tf.data.Dataset] | None = None,
        image_size: tuple[int, int] = (32, 32),
        transform_fn: TransformFn | None = None,
    ) -> None:
        _check_last_batch(experiment.batch_size, num_examples, training.accumulation_steps)
        self.experiment, self.network, self.training = experiment, network, training
        self.train_batches, self.test_batches = train_batches, test_batches
        self.image_size, self.transform_fn = image_size, transform_fn
        experiment.check_image_size(image_size[0])
        self.model = build_model(network, training.seed, training.precision)
        self._steps_per_epoch = steps = experiment.steps_per_epoch(num_examples)
        self.schedule = rate_schedule(experiment, training.learning_rate, steps)
        self.optimizer = prepare_optimizer(
            TorchSgd(self.schedule, experiment.momentum, experiment.weight_decay),
            self.model.trainable_variables,
            training.precision,
        )

    @property
    def steps_per_epoch(self) -> int:
        """Updates of a pass over the training images, the last and smaller batch included."""
        return self._steps_per_epoch

    @property
    def checkpoint_items(self) -> Mapping[str, Any]:
        """The network, its running statistics among it, and the optimizer's momentum."""
        return {"model": self.model, "optimizer": self.optimizer}

    def dataset(self, first_step: int) -> tf.data.Dataset:
        """Batches of the steps from `first_step` on; see `train_batches`."""
        return self.train_batches(first_step)

    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch: Batch) -> Mapping[str, tf.Tensor]:
        """One update.

        BatchNorm normalises each replica's images, and each part of `accumulation_steps`, by their
        own statistics, as PyTorch does. Replicas average their running statistics; parts move them
        one after the other.

        Args:
            batch: This replica's images and labels.

        Returns:
            `loss`, and `train_accuracy` of the batch in [0, 1], before the update.
        """
        size = tf.shape(batch["label"])[0]
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            size = context.all_reduce(tf.distribute.ReduceOp.SUM, size)

        def loss_terms(part: Batch) -> Mapping[str, tf.Tensor]:
            logits = self.model(part["image"], training=True)
            right = tf.equal(tf.argmax(logits, axis=-1), tf.cast(part["label"], tf.int64))
            hits = tf.reduce_sum(tf.cast(right, tf.float32))
            return {
                "loss": cross_entropy(logits, part["label"], size),
                "train_accuracy": hits / tf.cast(size, tf.float32),
            }

        variables = self.model.trainable_variables
        gradients, terms = accumulated_gradients(
            loss_terms, batch, variables, self.optimizer, parts=self.training.accumulation_steps
        )
        apply_gradients(self.optimizer, gradients, variables, clip_norm=self.training.clip_norm)
        return terms

    def summarize(self, step: int) -> Summary:
        """Learning rate, share of disabled features, and accuracy on the test images.

        Args:
            step: Updates made.

        Returns:
            `learning_rate`; `disabled_features` in [0, 1], those with |gamma| < 0.01; with test
            images `test_accuracy` in [0, 1] and `test_loss`.
        """
        disabled = disabled_features(norm.gamma for norm in self.model.norms)
        scalars = {
            "learning_rate": float(self.schedule(step)),
            "disabled_features": float(disabled),
        }
        return Summary({**scalars, **self._test_scalars()}, {})

    def export(self, directory: str) -> None:
        """Writes the SavedModel; see `export.py` for its signatures.

        Args:
            directory: Where to.
        """
        export_only_bn(
            directory,
            model=self._float32_model(),
            image_size=self.image_size,
            transform_fn=self.transform_fn,
        )

    def _test_scalars(self) -> Mapping[str, float]:
        if self.test_batches is None:
            return {}
        images = hits = loss = 0.0
        for batch in self.test_batches():
            batch_hits, batch_loss = self._test_step(batch)
            images += int(batch["label"].shape[0])
            hits, loss = hits + float(batch_hits), loss + float(batch_loss)
        return {"test_accuracy": hits / images, "test_loss": loss / images} if images else {}

    @tf.function(reduce_retracing=True, autograph=False)
    def _test_step(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        logits = self.model(batch["image"], training=False)
        right = tf.equal(tf.argmax(logits, axis=-1), tf.cast(batch["label"], tf.int64))
        hits = tf.reduce_sum(tf.cast(right, tf.float32))
        return hits, cross_entropy(logits, batch["label"], 1)

    def _float32_model(self) -> ResNet:
        """The network as it is served: narrow types pay in training, and cost accuracy after it."""
        model = build_model(self.network, self.training.seed)
        for variable, trained in zip(model.variables, self.model.variables, strict=True):
            variable.assign(tf.convert_to_tensor(trained.value))
        return model


def _check_last_batch(batch_size: int, num_examples: int, parts: int) -> None:
    """Refuses what would end training at the last and smaller batch of its first epoch."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    last = num_examples % batch_size or batch_size
    for rows in (batch_size, last):
        if rows < replicas or (parts > 1 and rows % (parts * replicas)):
            raise ConfigError(
                "a batch cannot be divided",
                found=f"{rows} images ({num_examples} in batches of {batch_size}; the last is "
                f"smaller) for {replicas} replicas of {parts} parts",
                expected="an image or more for each replica, and equal parts",
                fix="change experiment.batch_size or training.accumulation_steps",
            )
