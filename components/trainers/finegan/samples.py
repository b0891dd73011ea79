"""A sheet of pictures: what the stages make of the same few noise vectors and codes."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.trainers.finegan.draws import Purpose, draw_noise, stream_seed, tied_codes
from components.trainers.finegan.generator import Generator
from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.task import Summary

COLUMNS = 8


class SampleSheet:
    """Fixed noise and children, spread evenly over the child codes.

    Args:
        config: The networks' shape.
        seed: The run's.
    """

    def __init__(self, config: NetworkConfig, seed: int) -> None:
        count = min(COLUMNS, config.children)
        children = np.arange(count, dtype=np.int64) * config.children // count
        self._codes = tied_codes(tf.constant(children), config)
        self._noise = draw_noise(stream_seed(seed, Purpose.SUMMARY_NOISE, 0), count, config)

    def summary(self, generator: Generator) -> Summary:
        """What a generator makes of them.

        Args:
            generator: In evaluation mode.

        Returns:
            `parent_mask_share` and `child_mask_share` in [0, 1]; the picture `samples`: rows of
            background, parent mask, parent, child mask and child, one column a sample.
        """
        rows = self._rows(generator)
        parent_mask, child_mask = rows[1], rows[3]
        return Summary(
            {
                "parent_mask_share": float(parent_mask.mean()),
                "child_mask_share": float(child_mask.mean()),
            },
            {"samples": np.concatenate([np.concatenate(list(row), axis=1) for row in rows])},
        )

    def _rows(self, generator: Generator) -> list[NDArray[np.float32]]:
        made = generator(self._noise, self._codes, training=False)
        images = (made.background, made.parent_mask, made.parent, made.child_mask, made.child)
        return [_picture(image.numpy()) for image in images]


def _picture(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images in [-1, 1], masks in [0, 1] -> `[columns, size, size, 3]` in [0, 1]."""
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    return np.clip(images * 0.5 + 0.5, 0.0, 1.0)
