"""FineGAN on pictures of 32 pixels with a coloured square, small enough for a step in a moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.finegan.task import FineGanTask
from components.trainers.training_config import TrainingConfig
from components.transforms.finegan import OBJECT_VIEW, SCENE_BOX, SCENE_VIEW

NETWORK = NetworkConfig(
    image_size=32,
    generator_width=4,
    discriminator_width=4,
    noise_size=6,
    parents=2,
    children=4,
    residual_blocks=1,
)
BATCH = 4


def images(step: int) -> dict[str, np.ndarray]:
    """The real images of a step."""
    generator = np.random.default_rng((9, step))
    batch = {}
    for name, side in ((OBJECT_VIEW, NETWORK.image_size), (SCENE_VIEW, NETWORK.background_size)):
        pictures = generator.uniform(-0.2, 0.2, (BATCH, side, side, 3))
        pictures[:, 8:24, 8:24] += generator.choice([-0.7, 0.7], (BATCH, 1, 1, 3))
        batch[name] = pictures.astype(np.float32)
    batch[SCENE_BOX] = np.tile(np.float32([8, 8, 24, 24]), (BATCH, 1))
    return batch


def train_batches(first_step: int) -> tf.data.Dataset:
    """The images of the steps from `first_step` on."""

    def batch(step: tf.Tensor) -> dict[str, tf.Tensor]:
        example = images(0)
        names = list(example)
        values = tf.numpy_function(
            lambda number: [images(int(number))[name] for name in names],
            [step],
            [tf.float32] * len(names),
        )
        return {
            name: tf.ensure_shape(value, example[name].shape)
            for name, value in zip(names, values, strict=True)
        }

    return tf.data.Dataset.counter(first_step).map(batch)


def make_task(
    *, hard_negative_steps: int = 0, network: NetworkConfig = NETWORK, **training: Any
) -> FineGanTask:
    """The task with a few settings of its own."""
    return FineGanTask(
        FineGanExperiment(
            batch_size=BATCH,
            hard_negative_steps=hard_negative_steps,
            candidate_batches=2,
            average_decay=0.9,
        ),
        network,
        TrainingConfig(**{"learning_rate": 2e-3, "seed": 3, "steps": 8, **training}),
        train_batches=train_batches,
    )


def values(variables: Any) -> list[np.ndarray]:
    """Copies of variables."""
    return [np.array(tf.convert_to_tensor(variable.value)) for variable in variables]


@cache
def compiled_step(task: FineGanTask) -> Callable[[Any], Any]:
    """A task's step, traced once."""
    return tf.function(task.train_step, autograph=False)
