"""SIREN as a task of the shared training loop: one network fitted to one signal.

Source: the authors' training.py (Adam, no schedule) and experiment_scripts/train_*.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.errors import ConfigError
from components.evaluators.audio_quality import snr
from components.evaluators.image_quality import psnr, to_unit_range
from components.trainers.optimization import apply_gradients, prepare_optimizer, scale_loss
from components.trainers.siren import coordinates
from components.trainers.siren.experiment import POISSON_TASKS, SirenExperiment
from components.trainers.siren.export import export_siren
from components.trainers.siren.model import build_model
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.objectives import data_terms, prior_terms
from components.trainers.siren.point_parts import (
    gradients_in_parts,
    suitable_points_at_once,
    values_in_parts,
)
from components.trainers.siren.random_streams import Purpose, indices, stream_seed, uniform
from components.trainers.siren.reconstruction import RangeMatch
from components.trainers.siren.signals import reference, signal_from_features, supervision
from components.trainers.task import Summary, Task
from components.trainers.torch_adam import TorchAdam
from components.trainers.training_config import TrainingConfig

Features = Mapping[str, NDArray[Any]]
TransformFn = Callable[[tf.Tensor], Mapping[str, Any]]


class SirenTask(Task):
    """Fits a network to a signal.

    Args:
        experiment: What is fitted.
        network: The network's shape.
        training: How to train.
        features: Transform's outputs of the one signal: `signal/values`
            `[frames, height, width, channels]` (or `[samples]` for a sound) in [-1, 1], and what
            else the task has, see `components.transforms.siren`.
        transform_fn: Serialized records -> Transform's outputs, for the exported signature
            `evaluate`; without it the model is exported without that signature.

    Raises:
        ConfigError: The network does not fit the task or the signal.
        DataError: The signal does not suit the task.
    """

    def __init__(
        self,
        experiment: SirenExperiment,
        network: NetworkConfig,
        training: TrainingConfig,
        features: Features,
        transform_fn: TransformFn | None = None,
    ) -> None:
        self.experiment, self.network, self.training = experiment, network, training
        self.signal = signal_from_features(experiment, features)
        _check_network(network, experiment, self.signal.channels)
        self.transform_fn = transform_fn
        self.grid_shape = self.signal.grid_shape
        self.num_samples = math.prod(self.grid_shape)
        self.num_points = max(1, int(experiment.sample_fraction * self.num_samples))

        self.model = build_model(network, training.seed, training.precision)
        self.optimizer = prepare_optimizer(
            TorchAdam(training.learning_rate), self.model.trainable_variables, training.precision
        )

    @property
    def checkpoint_items(self) -> Mapping[str, Any]:
        """The network and Adam's state; nothing else changes."""
        return {"model": self.model, "optimizer": self.optimizer}

    def dataset(self, first_step: int) -> tf.data.Dataset:
        """Points of the steps from `first_step` on: `coordinates`, `target`, and `mask` if any.

        Args:
            first_step: Number of updates made before.

        Returns:
            Batches `{name: [points, components]}`, float32, without end.
        """
        whole = {"target": tf.constant(supervision(self.experiment, self.signal))}
        if self.signal.mask is not None:
            whole["mask"] = tf.constant(self.signal.mask.reshape(-1, 1))
        if self.num_points == self.num_samples:
            whole["coordinates"] = self._coordinates()
            return tf.data.Dataset.from_tensors(whole).repeat()

        def draw(step: tf.Tensor) -> Mapping[str, tf.Tensor]:
            seed = stream_seed(self.training.seed, Purpose.SAMPLES, step)
            chosen = indices(self.num_points, self.num_samples, seed)
            points = {name: tf.gather(values, chosen) for name, values in whole.items()}
            return {**points, "coordinates": self._coordinates(chosen)}

        return tf.data.Dataset.counter(first_step).map(draw).prefetch(1)

    @tf.autograph.experimental.do_not_convert  # nothing to convert: tracing takes a third less
    def train_step(self, batch: Mapping[str, tf.Tensor]) -> Mapping[str, tf.Tensor]:
        """One update.

        Args:
            batch: This replica's share of the points.

        Returns:
            `loss`, the sum of the others, and the terms it consists of.
        """
        variables = self.model.trainable_variables

        def differentiate(
            loss_fn: Callable[..., Mapping[str, tf.Tensor]], points: Mapping[str, tf.Tensor]
        ) -> tuple[list[tf.Tensor], Mapping[str, tf.Tensor]]:
            return gradients_in_parts(
                loss_fn,
                points,
                variables,
                points_at_once=self._points_at_once(),
                scale=lambda loss: scale_loss(self.optimizer, loss),
            )

        gradients, terms = differentiate(
            lambda part: data_terms(self.experiment.task, self.model, part, self.num_points), batch
        )
        if self.experiment.prior != "none":
            points, total = self._prior_points()
            prior_gradients, prior = differentiate(
                lambda part: prior_terms(self.experiment, self.model, part["coordinates"], total),
                {"coordinates": points},
            )
            gradients = [tf.add(*pair) for pair in zip(gradients, prior_gradients, strict=True)]
            terms = {**terms, **prior}
        apply_gradients(self.optimizer, gradients, variables, clip_norm=self.training.clip_norm)
        return {"loss": tf.add_n(list(terms.values())), **terms}

    def summarize(self, step: int) -> Summary:
        """PSNR (or SNR of sound) and pictures of the present network.

        Args:
            step: Updates made; not needed.

        Returns:
            `psnr` in dB and target, reconstruction and error (of a video: of its middle frame); for
            sound `snr` in dB alone.
        """
        target = reference(self.signal)
        frame_shape = self.grid_shape[-2:]
        chosen = None
        if self.experiment.task == "video":
            pixels = math.prod(frame_shape)
            middle = pixels * (self.grid_shape[0] // 2)
            chosen = tf.range(middle, middle + pixels)
            target = target[middle : middle + pixels]
        values = self._values(self._coordinates(chosen)).numpy()
        if self.experiment.task == "audio":
            return Summary({"snr": snr(values, target)}, {})
        if self.experiment.task in POISSON_TASKS:
            values = RangeMatch.between(values, target)(values).numpy()
        return Summary(
            {"psnr": psnr(values, target)},
            {
                "target": _picture(target, frame_shape),
                "reconstruction": _picture(values, frame_shape),
                "error": _picture(np.abs(values - target) - 1.0, frame_shape),
            },
        )

    def export(self, directory: str) -> None:
        """Writes the SavedModel; see `export.py` for its signatures.

        Args:
            directory: Where to.
        """
        export_siren(
            directory,
            model=self._float32_model(),
            experiment=self.experiment,
            signal=self.signal,
            points_at_once=self._points_at_once(),
            transform_fn=self.transform_fn,
        )

    def _coordinates(self, chosen: tf.Tensor | None = None) -> tf.Tensor:
        if self.experiment.task == "audio":
            times = coordinates.audio_times(self.num_samples, self.experiment.audio_extent)
            return times if chosen is None else tf.gather(times, chosen)
        if chosen is None:
            return coordinates.grid(self.grid_shape)
        return coordinates.coordinates_of(chosen, self.grid_shape)

    def _points_at_once(self) -> int | None:
        """The largest part of a replica's points, which also honours `accumulation_steps`."""
        limit = self.experiment.points_at_once or suitable_points_at_once()
        if self.training.accumulation_steps == 1:
            return limit
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        part = -(-self.num_points // (replicas * self.training.accumulation_steps))
        return part if limit is None else min(limit, part)

    def _prior_points(self) -> tuple[tf.Tensor, int]:
        """This replica's share of half as many random points as a step has, and their number."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        share = max(1, self.num_points // 2 // replicas)
        step = tf.convert_to_tensor(self.optimizer.iterations)
        seed = stream_seed(self.training.seed, Purpose.PRIOR_POINTS, step)
        points = uniform((share * replicas, self.network.in_features), 1.0, seed)
        context = tf.distribute.get_replica_context()
        start = tf.cast(context.replica_id_in_sync_group, tf.int32) * share
        return tf.slice(points, [start, 0], [share, self.network.in_features]), share * replicas

    @tf.function(reduce_retracing=True, autograph=False)
    def _values(self, points: tf.Tensor) -> tf.Tensor:
        return values_in_parts(
            self.model, points, self.network.out_features, self._points_at_once()
        )

    def _float32_model(self) -> keras.Model:
        """The network as it is served: narrow types pay in training, and cost quality after it."""
        model = build_model(self.network, self.training.seed)
        model.set_weights(self.model.get_weights())
        return model


def _check_network(network: NetworkConfig, experiment: SirenExperiment, channels: int) -> None:
    expected = {"in_features": experiment.coordinate_axes, "out_features": channels}
    for name, value in expected.items():
        if getattr(network, name) != value:
            raise ConfigError(
                f"network.{name} does not fit the task {experiment.task}",
                found=getattr(network, name),
                expected=str(value),
                fix=f"--set network.{name}={value}",
            )


def _picture(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """`[height * width, channels]` in [-1, 1] -> `[height, width, channels]` in [0, 1]."""
    unit = np.clip(to_unit_range(values), 0.0, 1.0)
    return unit.reshape(*shape, values.shape[-1]).astype(np.float32)
