"""A regression small enough to train a dozen times a second, with faults that can be asked for."""

import os
import resource
import signal
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from components.trainers.gradient_accumulation import accumulated_gradients
from components.trainers.optimization import apply_gradients, prepare_optimizer
from components.trainers.task import Summary, Task
from components.trainers.training_config import TrainingConfig

ROWS = 32


@dataclass(frozen=True)
class Faults:
    """What happens when the batch of a step is drawn; None: never."""

    kill_at: int | None = None
    terminate_at: int | None = None
    nan_at: int | None = None
    disk_full_at: int | None = None
    ends_at: int | None = None

    def strike(self, step: np.ndarray) -> np.int64:
        if step == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == self.terminate_at:
            os.kill(os.getpid(), signal.SIGTERM)
        if step == self.disk_full_at:
            # Every write beyond this size fails, as on a full disk, but without one.
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        return np.int64(step)


class TinyTask(Task):
    """Fits sin(3x)cos(2y) with one hidden layer."""

    def __init__(
        self,
        config: TrainingConfig,
        faults: Faults = Faults(),
        *,
        units: int = 16,
        dropout: float = 0.0,
        builds_optimizer: bool = True,
    ) -> None:
        self._config = config
        self._faults = faults
        layers = [keras.Input((2,)), keras.layers.Dense(units, "tanh")]
        layers += [keras.layers.Dropout(dropout)] if dropout else []
        self.model = keras.Sequential([*layers, keras.layers.Dense(1, dtype="float32")])
        self.optimizer = keras.optimizers.Adam(config.learning_rate)
        if builds_optimizer:
            self.optimizer = prepare_optimizer(
                self.optimizer, self.model.trainable_variables, config.precision
            )

    @property
    def checkpoint_items(self):
        return {"model": self.model, "optimizer": self.optimizer}

    def dataset(self, first_step):
        ends_at = self._faults.ends_at or 1_000_000
        steps = tf.data.Dataset.range(first_step, ends_at)
        return steps.map(self._batch, num_parallel_calls=2, deterministic=True).prefetch(1)

    def _batch(self, step):
        step = tf.numpy_function(self._faults.strike, [step], tf.int64)
        step.set_shape([])
        seed = tf.random.experimental.stateless_fold_in([self._config.seed, 7], step, "philox")
        points = tf.random.stateless_uniform([ROWS, 2], seed, -1, 1, alg="philox")
        values = tf.sin(3 * points[:, :1]) * tf.cos(2 * points[:, 1:])
        if self._faults.nan_at is not None:
            values = tf.where(step == self._faults.nan_at, np.nan, values)
        return points, values

    def train_step(self, batch):
        def losses(part):
            points, values = part
            error = self.model(points, training=True) - values
            fit = tf.reduce_sum(tf.square(error)) / ROWS
            # Half of it everywhere, so that the sum over replicas and parts is the whole.
            share = tf.cast(tf.shape(points)[0], tf.float32) / ROWS
            size = 1e-4 * share * tf.add_n([tf.reduce_sum(v**2) for v in variables])
            return {"loss": fit + size, "fit": fit, "size": size}

        variables = self.model.trainable_variables
        gradients, terms = accumulated_gradients(
            losses, batch, variables, self.optimizer, parts=self._config.accumulation_steps
        )
        apply_gradients(self.optimizer, gradients, variables, clip_norm=self._config.clip_norm)
        return terms

    def summarize(self, step):
        grid = np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, 8, dtype=np.float32)]), -1)
        values = np.asarray(self.model(grid.reshape(-1, 2)), np.float32).reshape(8, 8, 1)
        return Summary({"mean": float(values.mean())}, {"surface": np.clip(values / 2 + 0.5, 0, 1)})

    def export(self, directory):
        module = tf.Module()
        module.model = self.model
        signature = tf.TensorSpec([None, 2], tf.float32)
        serve = tf.function(lambda coordinates: {"values": self.model(coordinates)})
        tf.saved_model.save(
            module, directory, {"serving_default": serve.get_concrete_function(signature)}
        )
