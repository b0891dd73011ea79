"""Networks of a few thousand weights, and images for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from components.trainers.detr.network_config import NetworkConfig
from components.transforms.detr_features import (
    BOXES,
    IMAGE,
    IMAGE_SIZE,
    LABELS,
    MASKS,
    NUM_OBJECTS,
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
