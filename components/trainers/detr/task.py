"""DETR as a task of the shared training loop.

Source: facebookresearch/detr at 29901c5, main.py and engine.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

import tensorflow as tf

from components.errors import ConfigError
from components.trainers.detr.batches import crop_to_largest, dropout_seed
from components.trainers.detr.experiment import PAPER_BATCH, DetrExperiment
from components.trainers.detr.export import ImagesFn, TransformFn, export_detr
from components.trainers.detr.initial_weights import load_initial_weights
from components.trainers.detr.model import Detr, build_model
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.detr.objective import Objective
from components.trainers.detr.optimizer import learning_rate, make_optimizer, trained_variables
from components.trainers.detr.summaries import Summarizer
from components.trainers.detr.targets import Batch
from components.trainers.gradient_accumulation import accumulated_gradients
from components.trainers.optimization import apply_gradients
from components.trainers.task import Summary, Task
from components.trainers.training_config import TrainingConfig

logger = logging.getLogger(__name__)


class DetrTask(Task):
    """Detects objects, or adds masks to a detector.

    Args:
        experiment: The recipe.
        network: The network's shape.
        training: How to train.
        train_batches: First step -> batches of augmented images from there on, without end, each a
            function of (seed, step), under the names of `detr_features` (masks uint8 `[batch,
            objects, height, width]`) and `batches`.
        steps_per_epoch: Batches of a pass over the images.
        images_fn: Encoded images -> Transform's outputs for them, for serving.
        summary_batch: Some test images in the same form, without augmentation; None leaves them out
            of the summaries.
        transform_fn: Serialized records -> Transform's outputs, for the signature `evaluate`;
            without it the model is exported without that signature.

    Raises:
        ConfigError: The settings do not go together.
        DataError: Initial weights cannot be read, or are those of another network.
    """

    def __init__(
        self,
        experiment: DetrExperiment,
        network: NetworkConfig,
        training: TrainingConfig,
        *,
        train_batches: Callable[[int], tf.data.Dataset],
        steps_per_epoch: int,
        images_fn: ImagesFn,
        summary_batch: Batch | None = None,
        transform_fn: TransformFn | None = None,
    ) -> None:
        _check_settings(experiment, network, training)
        self.experiment, self.network, self.training = experiment, network, training
        self.train_batches, self._steps_per_epoch = train_batches, steps_per_epoch
        self.images_fn, self.transform_fn = images_fn, transform_fn
        self.model = build_model(network, training.seed, training.precision)
        load_initial_weights(self.model, experiment)
        self.optimizer = make_optimizer(self.model, experiment, training, steps_per_epoch)
        self.schedule = learning_rate(experiment, training, steps_per_epoch)
        self.objective = Objective(
            self.model, experiment.loss_weights, frozen_detector=experiment.frozen_detector
        )
        self._summarizer = Summarizer(self.model, self.objective, summary_batch)

    @property
    def steps_per_epoch(self) -> int:
        """Updates of a pass over the training images."""
        return self._steps_per_epoch

    @property
    def progress_names(self) -> Collection[str]:
        """The last decoder layer's losses, or those of the masks where nothing else trains."""
        if self.experiment.frozen_detector:
            return ("loss", "loss_mask", "loss_dice")
        return ("loss", "loss_ce", "loss_bbox", "loss_giou", "class_error")

    @property
    def checkpoint_items(self) -> Mapping[str, Any]:
        """The network and the optimizer. Dropout has no state: it follows from seed and step."""
        return {"model": self.model, "optimizer": self.optimizer}

    def dataset(self, first_step: int) -> tf.data.Dataset:
        """Batches of the steps from `first_step` on; see `train_batches`."""
        return self.train_batches(first_step)

    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch: Batch) -> Mapping[str, tf.Tensor]:
        """One update; parts of the batch are cropped each to their own largest image.

        Args:
            batch: This replica's images and objects.

        Returns:
            The terms of `Objective.terms`.
        """
        totals = self.objective.totals(batch)

        def loss_terms(part: Batch) -> Mapping[str, tf.Tensor]:
            seed = dropout_seed(part, self.training.seed)
            return self.objective.terms(crop_to_largest(part), totals, seed)

        variables = trained_variables(self.model, self.experiment)
        gradients, terms = accumulated_gradients(
            loss_terms, batch, variables, self.optimizer, parts=self.training.accumulation_steps
        )
        apply_gradients(self.optimizer, gradients, variables, clip_norm=self.training.clip_norm)
        return terms

    def summarize(self, step: int) -> Summary:
        """Learning rate, and losses and boxes on some test images.

        Args:
            step: Updates made.
        """
        scalars = {"learning_rate": float(self.schedule(step)), **self._summarizer.scalars()}
        return Summary(scalars, self._summarizer.images())

    def export(self, directory: str) -> None:
        """Writes the SavedModel; see `export.py` for its signatures.

        Args:
            directory: Where to.
        """
        export_detr(
            directory,
            model=self._float32_model(),
            images_fn=self.images_fn,
            transform_fn=self.transform_fn,
        )

    def _float32_model(self) -> Detr:
        """The network as it is served: narrow types pay in training, and cost accuracy after it."""
        model = build_model(self.network, self.training.seed)
        for variable, trained in zip(model.variables, self.model.variables, strict=True):
            variable.assign(tf.convert_to_tensor(trained.value))
        return model


def _check_settings(
    experiment: DetrExperiment, network: NetworkConfig, training: TrainingConfig
) -> None:
    experiment.check_network(network)
    if training.jit_compile or training.strategy == "tpu":
        raise ConfigError(
            "DETR cannot be compiled by XLA: SciPy solves its assignments outside of the graph",
            found=f"training.jit_compile={training.jit_compile}, strategy={training.strategy}",
            expected="training.jit_compile=false, on CPUs or GPUs",
        )
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    parts = replicas * training.accumulation_steps
    if experiment.batch_size % parts:
        raise ConfigError(
            "a batch cannot be divided",
            found=f"{experiment.batch_size} images for {replicas} replicas of "
            f"{training.accumulation_steps} parts",
            expected="a multiple of replicas times parts",
            fix="change experiment.batch_size or training.accumulation_steps",
        )
    if experiment.batch_size < PAPER_BATCH:
        logger.warning(
            "experiment.batch_size is %d; the paper's rates are for %d images an update: keep %d "
            "and raise training.accumulation_steps where memory is short",
            experiment.batch_size,
            PAPER_BATCH,
            PAPER_BATCH,
        )
