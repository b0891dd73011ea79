"""Layers against what they stand for, written plainly; tolerances are float32 rounding."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.finegan import layers
from components.trainers.finegan.generator import resized_to_corners
from components.trainers.finegan.initial_values import InitialValues
from components.trainers.finegan.layers import (
    BatchNorm,
    CodeConvolution,
    Convolution,
    DoublingConvolution,
    gated,
)

TOLERANCE = 2e-5


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("transposed_from", [1, 99])
def test_doubling_is_a_convolution_of_doubled_pixels(
    monkeypatch: pytest.MonkeyPatch, transposed_from: int
) -> None:
    monkeypatch.setattr(layers, "TRANSPOSED_FROM_SIDE", transposed_from)
    layer = DoublingConvolution((3, 5, 4), InitialValues((1,)))
    features = tf.constant(normal(2, 6, 6, 5))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        found = layer(features)
        doubled = tf.repeat(tf.repeat(features, 2, 1), 2, 2)
        expected = tf.nn.conv2d(doubled, tf.convert_to_tensor(layer.kernel), 1, "SAME")
        pair = [tf.reduce_sum(tf.sin(one)) for one in (found, expected)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    for source in (features, layer.kernel):
        own, reference = (tape.gradient(one, source) for one in pair)
        np.testing.assert_allclose(own, reference, rtol=1e-4, atol=TOLERANCE)


def test_a_code_is_as_if_it_stood_at_every_pixel() -> None:
    layer = CodeConvolution((3, 7 + 5, 4), InitialValues((2,)))
    features, codes = tf.constant(normal(2, 6, 6, 5)), tf.constant(normal(2, 7))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([features, codes])
        found = layer(features, codes)
        everywhere = tf.broadcast_to(codes[:, None, None], [2, 6, 6, 7])
        joined = tf.concat([everywhere, features], -1)
        expected = tf.nn.conv2d(joined, tf.convert_to_tensor(layer.kernel), 1, "SAME")
        pair = [tf.reduce_sum(tf.sin(one)) for one in (found, expected)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    for source in (features, codes, layer.kernel):
        own, reference = (tape.gradient(one, source) for one in pair)
        np.testing.assert_allclose(own, reference, rtol=1e-4, atol=TOLERANCE)


def test_halving_pads_both_sides_alike() -> None:
    layer = Convolution((4, 3, 2), InitialValues((3,)), stride=2)
    image = normal(1, 8, 8, 3)
    found = layer(image)
    padded = np.pad(image, [(0, 0), (1, 1), (1, 1), (0, 0)])
    kernel = np.array(layer.kernel)
    assert found.shape == (1, 4, 4, 2)
    expected = np.einsum("hwi,hwio->o", padded[0, 2:6, 4:8], kernel)
    np.testing.assert_allclose(found[0, 1, 2], expected, rtol=0, atol=TOLERANCE)


def test_groups_have_statistics_of_their_own_and_are_remembered_in_order() -> None:
    together, apart = (BatchNorm(3, InitialValues((4,))) for _ in range(2))
    features = normal(6, 2, 2, 3)
    found = together(features, training=True, groups=2)
    halves = [apart(features[:3], training=True), apart(features[3:], training=True)]
    np.testing.assert_allclose(found, np.concatenate(halves), rtol=0, atol=TOLERANCE)
    for own, reference in zip(together.variables, apart.variables, strict=True):
        np.testing.assert_allclose(own, reference, rtol=0, atol=TOLERANCE)
    assert np.abs(np.mean(found[:3], axis=(0, 1, 2))).max() < 1e-5


def test_the_running_variance_is_the_unbiased_one() -> None:
    layer = BatchNorm(3, InitialValues((5,)))
    features = normal(4, 1, 1, 3)
    layer(features, training=True)
    expected = 0.9 + 0.1 * features.reshape(4, 3).var(axis=0, ddof=1)
    np.testing.assert_allclose(layer.running_variance, expected, rtol=1e-5)
    served = layer(features, training=False)
    scale = np.array(layer.gamma) / np.sqrt(expected + 1e-5)
    shifted = features - np.array(layer.running_mean)
    np.testing.assert_allclose(served, shifted * scale, rtol=0, atol=TOLERANCE)


def test_the_gate_is_the_second_half() -> None:
    found = gated(tf.constant([[[[2.0, -3.0, 0.0, 100.0]]]]))
    np.testing.assert_allclose(found, [[[[1.0, -3.0]]]])


def test_resizing_keeps_the_corners_and_straight_lines() -> None:
    rows, columns = np.meshgrid(np.arange(8.0), np.arange(8.0), indexing="ij")
    plane = np.stack([rows, columns, 2 * rows - columns], -1)[None].astype(np.float32)
    found = np.array(resized_to_corners(tf.constant(plane), 6))
    steps = np.linspace(0.0, 7.0, 6)
    np.testing.assert_allclose(found[0, :, 0, 0], steps, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[0, 3, :, 1], steps, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[0, 2, 3, 2], 2 * steps[2] - steps[3], rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 3, 4, 100), (3, 3, 40, 4), (4, 4, 3, 40), (10, 600)])
def test_kernels_start_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = InitialValues((6,)).kernel(shape).reshape(-1, shape[-1]).astype(np.float64)
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(tall.T @ tall, np.eye(tall.shape[1]), rtol=0, atol=2e-6)


def test_every_array_has_a_stream_of_its_own() -> None:
    first, second = InitialValues((7,)), InitialValues((7,))
    first.kernel((2, 3))
    second.kernel((30, 20))
    np.testing.assert_array_equal(first.gamma(5), second.gamma(5))
    assert not np.array_equal(first.gamma(5), second.gamma(6)[:5] + 1)
    assert np.abs(first.gamma(10_000).std() - 0.02) < 1e-3
    bias = first.bias(10_000, 25)
    assert 0.19 < bias.max() <= 0.2 and -0.2 <= bias.min() < -0.19
    assert not InitialValues(None).kernel((3, 3)).any()
