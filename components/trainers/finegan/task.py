"""FineGAN as a task of the shared training loop.

Source: the authors' code/trainer.py, kkanshul/finegan at 38db1db.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import tensorflow as tf

from components.errors import ConfigError
from components.trainers.finegan.average import build_average, copy_statistics, move_average
from components.trainers.finegan.batches import (
    CHILD,
    NOISE,
    STEP,
    Batch,
    with_draws,
)
from components.trainers.finegan.discriminators import CodeDiscriminator
from components.trainers.finegan.draws import tied_codes
from components.trainers.finegan.evaluated_records import EvaluatedRecords
from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.export import export_finegan
from components.trainers.finegan.hard_negatives import HardNegatives
from components.trainers.finegan.initial_values import InitialValues
from components.trainers.finegan.model import build_model
from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.finegan.optimizers import Optimizers
from components.trainers.finegan.samples import SampleSheet
from components.trainers.finegan.updates import RealImages, Updates, global_sum
from components.trainers.task import Summary, Task
from components.trainers.training_config import TrainingConfig
from components.transforms.finegan import OBJECT_VIEW, SCENE_BOX, SCENE_VIEW


class FineGanTask(Task):
    """Learns backgrounds, parents and children from pictures and their objects' boxes.

    Args:
        experiment: The recipe.
        network: The networks' shape.
        training: How to train.
        train_batches: First step -> batches of real images from there on, without end, each a
            function of (seed, step); `batches.py` names what is in them.
        steps_per_epoch: Batches of a pass over the images; None where there are no passes.
        evaluated_records: What the signature `evaluate` will be asked about; without it the model
            is exported without that signature.

    Raises:
        ConfigError: The settings do not go together.
    """

    def __init__(
        self,
        experiment: FineGanExperiment,
        network: NetworkConfig,
        training: TrainingConfig,
        *,
        train_batches: Callable[[int], tf.data.Dataset],
        steps_per_epoch: int | None = None,
        evaluated_records: EvaluatedRecords | None = None,
    ) -> None:
        self.experiment, self.network, self.training = experiment, network, training
        self.train_batches, self.evaluated_records = train_batches, evaluated_records
        self._steps_per_epoch = steps_per_epoch
        self._first_hard_step = _first_hard_step(experiment, training, steps_per_epoch)
        self.models = build_model(network, training.seed, training.precision)
        self.average = build_average(self.models.generator, training.precision)
        self.optimizers = Optimizers(self.models, experiment, training)
        self.updates = Updates(self.models, self.optimizers, experiment, training.clip_norm)
        self._hard_negatives = HardNegatives(
            self.models, training.seed, experiment.candidate_batches
        )
        self._sheet = SampleSheet(network, training.seed)

    @property
    def steps_per_epoch(self) -> int | None:
        """Batches of a pass over the images."""
        return self._steps_per_epoch

    @property
    def progress_names(self) -> Collection[str]:
        """The information losses: they tell first whether the codes mean anything."""
        return ("loss", "parent_information", "child_information")

    @property
    def checkpoint_items(self) -> Mapping[str, Any]:
        """The four networks, the averaged generator and three optimizers."""
        networks = {f"network_{name}": model for name, model in self.models.networks.items()}
        return {**networks, "average": self.average, **self.optimizers.checkpoint_items}

    def dataset(self, first_step: int) -> tf.data.Dataset:
        """Real images with noise and codes, from a step on; see `batches.py`."""
        batches = self.train_batches(first_step)
        return with_draws(batches, first_step, self.training.seed, self.network).prefetch(1)

    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch: Batch) -> Mapping[str, tf.Tensor]:
        """One iteration: three updates and the average.

        Args:
            batch: This replica's share, as `dataset` gives it.

        Returns:
            The terms of `Updates.iterate`.
        """
        noise, children, step = batch[NOISE], batch[CHILD], batch[STEP][0]
        restart = None
        if self.experiment.hard_negative_steps:
            first = self._first_hard_step
            wanted = (step > first) & ((step - first) % 2 == 1)
            noise, children = self._hard_negatives.replace_if(wanted, noise, children, step)
            restart = tf.equal(step + 1, first)
        real = RealImages(
            objects=batch[OBJECT_VIEW],
            scenes=batch[SCENE_VIEW],
            boxes_yxyx=batch[SCENE_BOX],
            batch_size=global_sum(tf.shape(children)[0]),
        )
        terms = self.updates.iterate(noise, tied_codes(children, self.network), real)
        decay = self.experiment.average_decay
        move_average(self.average, self.models.generator, decay, restart)
        return terms

    def summarize(self, step: int) -> Summary:
        """What the averaged generator makes of fixed noise and codes.

        Args:
            step: Updates made; not needed.

        Returns:
            The shares of the image that the masks cover, in [0, 1]; a sheet of all stages.
        """
        copy_statistics(self.average, self.models.generator)
        return self._sheet.summary(self.average)

    def export(self, directory: str) -> None:
        """Writes the SavedModel; see `export.py` for its signatures.

        Args:
            directory: Where to.
        """
        # In float32: narrow types pay in training, and cost quality after it.
        copy_statistics(self.average, self.models.generator)
        generator = build_average(self.average, "float32")
        if self.evaluated_records is None:
            export_finegan(directory, generator)
            return
        trained = self.models.child_discriminator
        reader = CodeDiscriminator(
            self.network, self.network.children, InitialValues(None), "float32"
        )
        for variable, value in zip(reader.variables, trained.variables, strict=True):
            variable.assign(tf.convert_to_tensor(value.value))
        export_finegan(directory, generator, reader, self.evaluated_records)


def _first_hard_step(
    experiment: FineGanExperiment, training: TrainingConfig, steps_per_epoch: int | None
) -> int:
    """The step that starts from the averaged generator."""
    if training.accumulation_steps != 1:
        raise ConfigError(
            "FineGAN's iteration cannot be accumulated: its three updates follow each other",
            found=f"training.accumulation_steps={training.accumulation_steps}",
            expected="1",
            fix="lower experiment.batch_size instead",
        )
    total = training.total_steps(steps_per_epoch)
    if experiment.hard_negative_steps >= total and experiment.hard_negative_steps:
        raise ConfigError(
            "the phase of hard negatives is as long as the training",
            found=f"{experiment.hard_negative_steps} of {total} steps",
            expected="fewer",
            fix="--set experiment.hard_negative_steps=0",
        )
    return total - experiment.hard_negative_steps
