"""What a training batch holds, and the noise and codes that join its images.

The data give `object_view`, `scene_view` and `scene_box_yxyx`, a row an image, as
`components.transforms.finegan` describes them (augmented, but without that word in their names).
The step adds `noise` float32 `[batch, noise_size]`, `child` int64 `[batch]` and `step` int64
`[batch]`, the same number in each row, so that a batch may be cut between replicas.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from components.trainers.finegan.draws import (
    Purpose,
    draw_children,
    draw_noise,
    stream_seed,
)
from components.trainers.finegan.network_config import NetworkConfig
from components.transforms.finegan import OBJECT_VIEW

NOISE = "noise"
CHILD = "child"
STEP = "step"

Batch = Mapping[str, tf.Tensor]


def with_draws(
    batches: tf.data.Dataset, first_step: int, seed: int, config: NetworkConfig
) -> tf.data.Dataset:
    """Adds noise and child codes to batches of images, each a function of (seed, step).

    As in the authors' data set, a code has nothing to do with the image beside it.

    Args:
        batches: The images, from the step `first_step` on.
        first_step: Updates made before.
        seed: The run's.
        config: Length of the noise and number of codes.
    """

    def draw(step: tf.Tensor, images: Batch) -> Batch:
        size = tf.shape(images[OBJECT_VIEW])[0]
        return {
            **images,
            NOISE: draw_noise(stream_seed(seed, Purpose.NOISE, step), size, config),
            CHILD: draw_children(stream_seed(seed, Purpose.CHILD, step), size, config),
            STEP: tf.fill([size], step),
        }

    steps = tf.data.Dataset.counter(first_step)
    return tf.data.Dataset.zip((steps, batches)).map(draw)
