"""Derivatives of functions whose derivatives are known."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components.trainers.siren.differential_operators import (
    channel_laplacians,
    divergence,
    gradient,
    hessian,
    jacobian,
    laplacian,
)
from components.trainers.siren.model import build_model
from components.trainers.siren.network_config import NetworkConfig

POINTS = tf.constant([[0.5, -1.0], [2.0, 3.0], [0.0, 0.25]])
X, Y = POINTS.numpy().T


def two_channels(points: tf.Tensor) -> tf.Tensor:
    x, y = tf.unstack(points, axis=-1)
    return tf.stack([x**2 * y, y**3], axis=-1)


def test_gradient_adds_the_channels_up() -> None:
    expected = np.stack([2 * X * Y, X**2 + 3 * Y**2], axis=-1)
    np.testing.assert_allclose(gradient(two_channels, POINTS), expected, rtol=1e-6)


def test_jacobian_keeps_the_channels_apart() -> None:
    values, derivatives = jacobian(two_channels, POINTS)
    np.testing.assert_allclose(values, two_channels(POINTS))
    np.testing.assert_allclose(derivatives[:, 0], np.stack([2 * X * Y, X**2], -1), rtol=1e-6)
    np.testing.assert_allclose(derivatives[:, 1], np.stack([0 * X, 3 * Y**2], -1), rtol=1e-6)


def test_divergence_of_a_field() -> None:
    np.testing.assert_allclose(
        divergence(two_channels, POINTS)[:, 0], 2 * X * Y + 3 * Y**2, rtol=1e-6
    )


def test_laplacians() -> None:
    np.testing.assert_allclose(laplacian(two_channels, POINTS)[:, 0], 2 * Y + 6 * Y, rtol=1e-6)
    expected = np.stack([2 * Y, 6 * Y], axis=-1)
    np.testing.assert_allclose(channel_laplacians(two_channels, POINTS), expected, rtol=1e-6)


def test_hessian() -> None:
    found = hessian(two_channels, POINTS)
    assert found.shape == (3, 2, 2, 2)
    expected = np.stack([np.stack([2 * Y, 2 * X], -1), np.stack([2 * X, 0 * X], -1)], -2)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(found[:, 1, 1, 1], 6 * Y, rtol=1e-6)


def test_derivatives_that_do_not_exist_are_zero() -> None:
    model = build_model(NetworkConfig(hidden_features=4, nonlinearity="relu"))
    np.testing.assert_array_equal(laplacian(model, POINTS), np.zeros([3, 1]))
    np.testing.assert_array_equal(gradient(lambda _: tf.ones([3, 1]), POINTS), np.zeros([3, 2]))


def test_weights_learn_through_second_derivatives() -> None:
    """Of each weight's derivative by a finite difference, in float64-like steps."""
    model = build_model(NetworkConfig(hidden_features=4, hidden_layers=1, first_omega=2.0))
    kernel = model.linear_layers[0].kernel

    def loss() -> tf.Tensor:
        return tf.reduce_mean(tf.square(laplacian(model, POINTS)))

    with tf.GradientTape() as tape:
        value = loss()
    slope = tape.gradient(value, kernel).numpy()[0, 0]
    before, step = kernel.numpy(), 1e-2
    ends = []
    for sign in (1.0, -1.0):
        moved = before.copy()
        moved[0, 0] += sign * step
        kernel.assign(moved)
        ends.append(float(loss()))
    assert np.isclose((ends[0] - ends[1]) / (2 * step), slope, rtol=0.05)
