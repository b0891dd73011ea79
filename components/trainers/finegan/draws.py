"""Noise and codes, each draw a function of (seed, purpose, index) alone."""

from __future__ import annotations

from enum import IntEnum

import tensorflow as tf

from components.trainers.finegan.generator import Codes
from components.trainers.finegan.network_config import NetworkConfig
from components.transforms.augmentation_seeds import ALGORITHM, fold_in


class Purpose(IntEnum):
    """What is drawn; each purpose has a stream of its own."""

    NOISE = 1
    CHILD = 2
    CANDIDATE_NOISE = 3
    CANDIDATE_CHILD = 4
    SUMMARY_NOISE = 5
    SERVED_NOISE = 6
    SERVED_CHILD = 7


def stream_seed(seed: int, purpose: Purpose, index: tf.Tensor | int) -> tf.Tensor:
    """The seed of one draw, int64 `[2]`.

    Args:
        seed: The run's seed.
        purpose: What is drawn.
        index: Which draw, for example the step.
    """
    return fold_in(tf.constant([seed, int(purpose)], tf.int64), index)


def draw_noise(seed: tf.Tensor, count: tf.Tensor | int, config: NetworkConfig) -> tf.Tensor:
    """`[count, noise_size]` float32, N(0, 1)."""
    shape = tf.stack([tf.cast(count, tf.int32), config.noise_size])
    return tf.random.stateless_normal(shape, seed, alg=ALGORITHM)


def draw_children(seed: tf.Tensor, count: tf.Tensor | int, config: NetworkConfig) -> tf.Tensor:
    """`[count]` int64 in [0, children), equally likely."""
    shape = tf.reshape(tf.cast(count, tf.int32), [1])
    return tf.random.stateless_uniform(
        shape, seed, 0, config.children, dtype=tf.int64, alg=ALGORITHM
    )


def tied_indices(
    children: tf.Tensor, config: NetworkConfig
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Indices of background, parent and child that belong together, as in training.

    A parent has equally many children, next to each other. The background's code is the child's (or
    shared by neighbours, where there are fewer background codes).

    Args:
        children: `[batch]` int64.
        config: The numbers of codes.
    """
    backgrounds = children * config.num_backgrounds // config.children
    return backgrounds, children * config.parents // config.children, children


def one_hot_codes(
    backgrounds: tf.Tensor, parents: tf.Tensor, children: tf.Tensor, config: NetworkConfig
) -> Codes:
    """Codes of indices `[batch]` each, which need not belong together."""
    return Codes(
        background=tf.one_hot(backgrounds, config.num_backgrounds),
        parent=tf.one_hot(parents, config.parents),
        child=tf.one_hot(children, config.children),
    )


def tied_codes(children: tf.Tensor, config: NetworkConfig) -> Codes:
    """The codes of training."""
    return one_hot_codes(*tied_indices(children, config), config)
