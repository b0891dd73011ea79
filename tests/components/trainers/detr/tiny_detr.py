"""Networks of a few thousand weights, and images for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from components.trainers.detr.network_config import NetworkConfig

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
