"""Networks of a few thousand weights, images for them, and tasks that train them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from components.trainers.detr.batches import numbered
from components.trainers.detr.experiment import DetrExperiment
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.detr.task import DetrTask
from components.trainers.training_config import TrainingConfig
from components.transforms.detr_features import (
    BOXES,
    IMAGE,
    IMAGE_SIZE,
    LABELS,
    MASKS,
    NUM_OBJECTS,
    ORIGINAL_SIZE,
)

CLASSES = 7


def tiny_network(**changes: Any) -> NetworkConfig:
    """A network of some thousand weights; with masks, of some hundred thousand."""
    sizes: dict[str, Any] = {
        "backbone_blocks": (1, 1, 1, 1),
        "backbone_channels": 4,
        "hidden": 128 if changes.get("masks") else 16,
        "heads": 8 if changes.get("masks") else 2,
        "feed_forward": 16,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "queries": 5,
        "classes": CLASSES,
    }
    return NetworkConfig(**{**sizes, **changes})


def padded_images(sizes: list[tuple[int, int]], seed: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    """Noise of these sizes (height, width), zeros beyond; and the sizes."""
    generator = np.random.default_rng(seed)
    height, width = np.max(sizes, axis=0)
    images = np.zeros((len(sizes), height, width, 3), np.float32)
    for image, (rows, columns) in zip(images, sizes, strict=True):
        image[:rows, :columns] = generator.standard_normal((rows, columns, 3), np.float32)
    return tf.constant(images), tf.constant(sizes, tf.int64)


def scene_batch(
    counts: list[int], *, side: int = 64, masks: bool = False, seed: int = 0
) -> dict[str, tf.Tensor]:
    """Bright rectangles on black, on canvases of `side` pixels; a rectangle's colour is its class.

    Args:
        counts: Rectangles of each image. The second image of two is less wide than its canvas.
        side: Of the canvases.
        masks: Whether to give the rectangles' masks.
        seed: Of places and colours.
    """
    generator = np.random.default_rng(seed)
    most = max(*counts, 1)
    batch = len(counts)
    sizes = np.array([[side, side - 16 * (row % 2)] for row in range(batch)], np.int64)
    images = np.zeros((batch, side, side, 3), np.float32)
    labels = np.full((batch, most), -1, np.int64)
    boxes = np.zeros((batch, most, 4), np.float32)
    shapes = np.zeros((batch, most, side, side), np.uint8)
    for row, count in enumerate(counts):
        height, width = sizes[row]
        for number in range(count):
            rows = np.sort(generator.choice(np.arange(0, height, 4), 2, replace=False))
            columns = np.sort(generator.choice(np.arange(0, width, 4), 2, replace=False))
            labels[row, number] = generator.integers(1, CLASSES)
            place = (row, slice(*rows), slice(*columns))
            images[place] = np.eye(3)[labels[row, number] % 3] * labels[row, number]
            shapes[(row, number, *place[1:])] = 1
            centre = np.array([columns.mean() / width, rows.mean() / height])
            extent = np.array([np.ptp(columns) / width, np.ptp(rows) / height])
            boxes[row, number] = np.concatenate([centre, extent])
    arrays = {
        IMAGE: images,
        IMAGE_SIZE: sizes,
        LABELS: np.maximum(labels, 0),
        BOXES: boxes,
        NUM_OBJECTS: np.array(counts, np.int64),
        **({MASKS: shapes} if masks else {}),
    }
    return {name: tf.constant(array) for name, array in arrays.items()}


def images_fn(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
    """PNGs of at most 64 x 64 pixels on a canvas; as if they had been twice as large."""

    def one(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture = tf.cast(tf.io.decode_png(content, channels=3), tf.float32) / 64.0
        size = tf.shape(picture)[:2]
        canvas = tf.image.pad_to_bounding_box(picture, 0, 0, 64, 64)
        return canvas, tf.cast(size, tf.int64)

    signature = (tf.TensorSpec([64, 64, 3], tf.float32), tf.TensorSpec([2], tf.int64))
    images, sizes = tf.map_fn(one, encoded, fn_output_signature=signature)
    return {IMAGE: images, IMAGE_SIZE: sizes, ORIGINAL_SIZE: 2 * sizes}


def make_task(
    *,
    counts: tuple[int, ...] = (2, 3),
    network: dict[str, Any] | None = None,
    experiment: dict[str, Any] | None = None,
    **training: Any,
) -> DetrTask:
    """A task that sees the same few images again and again."""
    shape = tiny_network(**{"dropout": 0.1, **(network or {})})
    recipe = {"batch_size": len(counts), **(experiment or {})}
    batch = scene_batch(list(counts), masks=shape.masks)

    def train_batches(first_step: int) -> tf.data.Dataset:
        same = tf.data.Dataset.from_tensors(batch).repeat()
        steps = tf.data.Dataset.counter(first_step)
        return tf.data.Dataset.zip((steps, same)).map(lambda step, one: numbered(one, step))

    return DetrTask(
        DetrExperiment(**recipe),
        shape,
        TrainingConfig(**{"seed": 3, "clip_norm": 0.1, **training}),
        train_batches=train_batches,
        steps_per_epoch=4,
        images_fn=images_fn,
        summary_batch=batch,
    )


def values(variables: Any) -> list[np.ndarray]:
    """Variables of Keras or TensorFlow as arrays."""
    return [np.asarray(getattr(variable, "value", variable)) for variable in variables]
