"""A task of sixteen images and two classes, small enough for any test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.training_config import TrainingConfig

SIDE, IMAGES = 8, 16
PIXELS = SIDE * SIDE * 3


def images_and_labels() -> tuple[np.ndarray, np.ndarray]:
    """Sixteen images of two classes, told apart by their colour."""
    labels = np.arange(IMAGES) % 2
    noise = np.random.default_rng(0).normal(0, 0.3, (IMAGES, SIDE, SIDE, 3))
    colours = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.5]])
    return (noise + colours[labels][:, None, None]).astype(np.float32), labels


def batch() -> dict[str, tf.Tensor]:
    """All images, as the first step has them."""
    images, labels = images_and_labels()
    return {"image": tf.constant(images), "label": tf.constant(labels)}


def batches(first_step: int) -> tf.data.Dataset:
    """Batches of the steps from `first_step` on, without end, each in another order."""
    images, labels = map(tf.constant, images_and_labels())

    def turned(step: tf.Tensor) -> Mapping[str, tf.Tensor]:
        places = tf.cast(5 * step % IMAGES, tf.int32)
        return {"image": tf.roll(images, places, 0), "label": tf.roll(labels, places, 0)}

    return tf.data.Dataset.counter(first_step).map(turned)


def transform(records: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """An image's float32 bytes and its label's one byte, as `records()` has them."""
    values = tf.io.decode_raw(tf.strings.substr(records, 0, 4 * PIXELS), tf.float32)
    labels = tf.io.decode_raw(tf.strings.substr(records, 4 * PIXELS, 1), tf.uint8)
    return {
        "image": tf.reshape(values, [-1, SIDE, SIDE, 3]),
        "label": tf.cast(labels, tf.int64),
    }


def records() -> tf.Tensor:
    """The images and labels as strings."""
    images, labels = images_and_labels()
    return tf.constant(
        [i.tobytes() + bytes([label]) for i, label in zip(images, labels, strict=True)]
    )


def make_task(
    train: str = "bn", *, network: Mapping[str, Any] | None = None, **options: Any
) -> OnlyBatchNormTask:
    """The task, with a network of eight layers; `options` are those of the training."""
    data = tf.data.Dataset.from_tensors(batch())
    return OnlyBatchNormTask(
        OnlyBatchNormExperiment(batch_size=IMAGES, milestone_epochs=(20,)),
        NetworkConfig(depth=8, width=4, classes=2, train=train, **(network or {})),
        TrainingConfig(**{"learning_rate": 0.1, "seed": 3, **options}),
        num_examples=IMAGES,
        train_batches=batches,
        test_batches=lambda: data,
        image_size=(SIDE, SIDE),
        transform_fn=transform,
    )
