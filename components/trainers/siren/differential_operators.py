"""Derivatives of a network with respect to its coordinates, by nested gradient tapes.

Points are independent of each other, so the derivative of a *sum* over points holds each point's
own derivative. Every result can itself be differentiated, by the weights or by the coordinates.

Source: the authors' diff_operators.py.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

Field = Callable[[tf.Tensor], tf.Tensor]


def gradient(function: Field, coordinates: tf.Tensor) -> tf.Tensor:
    """Gradient of the sum of all channels.

    Args:
        function: From `[..., axes]` to `[..., channels]`, point by point.
        coordinates: `[..., axes]`.

    Returns:
        `[..., axes]`.
    """
    with tf.GradientTape() as tape:
        tape.watch(coordinates)
        values = function(coordinates)
    return _derivative(tape, values, coordinates)


def jacobian(function: Field, coordinates: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Values and the gradient of each channel.

    Args:
        function: From `[..., axes]` to `[..., channels]`, point by point.
        coordinates: `[..., axes]`.

    Returns:
        The values, `[..., channels]`, and their derivatives, `[..., channels, axes]`.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(coordinates)
        values = function(coordinates)
        channels = tf.unstack(values, axis=-1)
    rows = [_derivative(tape, channel, coordinates) for channel in channels]
    return values, tf.stack(rows, axis=-2)


def divergence(function: Field, coordinates: tf.Tensor) -> tf.Tensor:
    """Divergence of a vector field.

    Args:
        function: From `[..., axes]` to `[..., axes]`, point by point.
        coordinates: `[..., axes]`.

    Returns:
        `[..., 1]`.
    """
    _, derivatives = jacobian(function, coordinates)
    return tf.linalg.trace(derivatives)[..., tf.newaxis]


def laplacian(function: Field, coordinates: tf.Tensor) -> tf.Tensor:
    """Laplacian of the sum of all channels: one backward pass for each axis.

    Args:
        function: From `[..., axes]` to `[..., channels]`, point by point.
        coordinates: `[..., axes]`.

    Returns:
        `[..., 1]`.
    """
    return divergence(lambda points: gradient(function, points), coordinates)


def channel_laplacians(function: Field, coordinates: tf.Tensor) -> tf.Tensor:
    """Laplacian of each channel.

    Args:
        function: From `[..., axes]` to `[..., channels]`, point by point.
        coordinates: `[..., axes]`.

    Returns:
        `[..., channels]`.
    """
    return tf.linalg.trace(hessian(function, coordinates))


def hessian(function: Field, coordinates: tf.Tensor) -> tf.Tensor:
    """Second derivatives of each channel.

    Args:
        function: From `[..., axes]` to `[..., channels]`, point by point.
        coordinates: `[..., axes]`.

    Returns:
        `[..., channels, axes, axes]`.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(coordinates)
        _, first = jacobian(function, coordinates)
        entries = [tf.unstack(channel, axis=-1) for channel in tf.unstack(first, axis=-2)]
    rows = [
        tf.stack([_derivative(tape, entry, coordinates) for entry in channel], axis=-2)
        for channel in entries
    ]
    return tf.stack(rows, axis=-3)


def _derivative(tape: tf.GradientTape, values: tf.Tensor, coordinates: tf.Tensor) -> tf.Tensor:
    # A network of ReLUs has no path to its second derivative; that derivative is zero.
    return tape.gradient(values, coordinates, unconnected_gradients=tf.UnconnectedGradients.ZERO)
