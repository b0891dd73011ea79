"""Losses of images, sound, Poisson reconstruction and the priors.

Source: the authors' loss_functions.py. Each takes what the network gave at some points and returns
a scalar, the mean over points. Where these points are only a part of a step's points, pass the
whole number as `num_points`: then the parts' losses add up to the step's loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf

NumPoints: TypeAlias = "int | tf.Tensor | None"


def image_mse(
    values: tf.Tensor,
    target: tf.Tensor,
    mask: tf.Tensor | None = None,
    num_points: NumPoints = None,
) -> tf.Tensor:
    """Mean squared error, over *all* pixels even where a mask leaves few of them.

    Args:
        values: `[points, channels]`.
        target: `[points, channels]`.
        mask: `[points, 1]`, 1 where the pixel is known; None where all are.
        num_points: Points to average over; those given where None.

    Returns:
        Scalar.
    """
    return _mean(_masked(tf.square(values - target), mask), num_points)


def image_l1(
    values: tf.Tensor,
    target: tf.Tensor,
    mask: tf.Tensor | None = None,
    num_points: NumPoints = None,
) -> tf.Tensor:
    """Mean absolute error; arguments as for `image_mse`."""
    return _mean(_masked(tf.abs(values - target), mask), num_points)


def audio_mse(values: tf.Tensor, target: tf.Tensor, num_points: NumPoints = None) -> tf.Tensor:
    """Mean squared error of sound (`function_mse`); arguments as for `image_mse`."""
    return _mean(tf.square(values - target), num_points)


def gradients_mse(
    gradients: tf.Tensor,
    target: tf.Tensor,
    weights: Sequence[float] | None = None,
    num_points: NumPoints = None,
) -> tf.Tensor:
    """Mean over points of the squared distance of gradients.

    Args:
        gradients: `[points, axes]`, or `[points, channels * axes]` in colour.
        target: The same shape.
        weights: One factor for each component; `COLOUR_GRADIENT_WEIGHTS` for colour editing.
        num_points: Points to average over; those given where None.

    Returns:
        Scalar.
    """
    squares = tf.square(gradients - target)
    if weights is not None:
        squares = squares * tf.constant(list(weights), squares.dtype)
    return _mean(tf.reduce_sum(squares, axis=-1), num_points)


def laplace_mse(
    laplacians: tf.Tensor, target: tf.Tensor, num_points: NumPoints = None
) -> tf.Tensor:
    """Mean squared error of Laplacians.

    Args:
        laplacians: `[points, channels]`.
        target: The same shape.
        num_points: Points to average over; those given where None.

    Returns:
        Scalar.
    """
    return _mean(tf.square(laplacians - target), num_points)


def total_variation(gradients: tf.Tensor, num_points: NumPoints = None) -> tf.Tensor:
    """The TV prior: mean absolute derivative over points and axes.

    Args:
        gradients: `[points, axes]`; in colour, of the sum of the channels, as the authors take it.
        num_points: Points to average over; those given where None.

    Returns:
        Scalar, without the prior's weight.
    """
    return _mean(tf.abs(gradients), num_points)


def frobenius_hessian(hessians: tf.Tensor, num_points: NumPoints = None) -> tf.Tensor:
    """The FH prior: mean Frobenius norm of the Hessian, all channels in one norm.

    Args:
        hessians: `[..., channels, axes, axes]`.
        num_points: Points to average over; those given where None.

    Returns:
        Scalar, without the prior's weight.
    """
    return _mean(safe_norm(tf.reduce_sum(tf.square(hessians), axis=[-3, -2, -1])), num_points)


def safe_norm(squared_norm: tf.Tensor) -> tf.Tensor:
    """Square root whose derivative at zero is zero (as torch's norm) instead of infinite.

    Args:
        squared_norm: Any shape, not negative.

    Returns:
        The same shape.
    """
    is_zero = tf.equal(squared_norm, 0.0)
    root = tf.sqrt(tf.where(is_zero, tf.ones_like(squared_norm), squared_norm))
    return tf.where(is_zero, tf.zeros_like(root), root)


def _masked(errors: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    return errors if mask is None else mask * errors


def _mean(terms: tf.Tensor, num_points: NumPoints) -> tf.Tensor:
    """Averages over everything, or over `num_points` points of as many components each."""
    if num_points is None:
        return tf.reduce_mean(terms)
    components = 1 if terms.shape.rank == 1 else terms.shape[-1]
    return tf.reduce_sum(terms) / (tf.cast(num_points, terms.dtype) * components)
