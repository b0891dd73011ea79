"""Depthwise-separable convolutions: the numbers, the parameters, what trains."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.only_bn.layers import Convolution
from components.trainers.only_bn.model import build_model, count_parameters
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.separable import SeparableConvolution, block_convolution

SEPARABLE = NetworkConfig(convolutions="separable", train="all")


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [7, 8])
def test_pair_computes_the_sums_of_its_definition(side: int, stride: int) -> None:
    layer = block_convolution(SEPARABLE, (3, 4, 5), stride, generator())
    assert isinstance(layer, SeparableConvolution)
    images = np.random.default_rng(0).standard_normal((2, side, side, 4))
    filters = np.array(layer.depthwise.kernel, np.float64)[:, :, 0]
    mix = np.array(layer.pointwise.kernel, np.float64)[0, 0]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    out = -(-side // stride)
    expected = np.zeros((2, out, out, 5))
    for row, column in itertools.product(range(out), repeat=2):
        top, left = row * stride, column * stride
        window = padded[:, top : top + 3, left : left + 3]
        expected[:, row, column] = np.einsum("bijc,ijc,co->bo", window, filters, mix)
    found = layer(tf.constant(images, tf.float32))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_pair_equals_the_full_convolution_of_the_product_of_its_kernels(stride: int) -> None:
    pair = block_convolution(SEPARABLE, (3, 6, 8), stride, generator())
    full = Convolution(NetworkConfig(), (3, 6, 8), stride, generator())
    filters, mix = np.array(pair.depthwise.kernel), np.array(pair.pointwise.kernel)
    full.kernel.assign(filters[:, :, 0, :, None] * mix)
    images = tf.random.stateless_normal([2, 10, 10, 6], [1, 2])
    np.testing.assert_allclose(pair(images), full(images), atol=1e-4)


def test_depthwise_weights_start_with_the_fan_in_of_a_channel() -> None:
    layer = SeparableConvolution(SEPARABLE, (3, 4096, 1), 1, generator())
    assert np.array(layer.depthwise.kernel).std() == pytest.approx(np.sqrt(2 / 9), rel=0.02)


def expected_parameters(depth: int, width: int, classes: int) -> tuple[int, int]:
    """All parameters of a separable CIFAR ResNet, and those of its BatchNorms."""
    blocks = (depth - 2) // 6
    kernels, channels = 27 * width, [width]
    inputs = width
    for outputs in (width, 2 * width, 4 * width):
        for _ in range(blocks):
            kernels += 9 * inputs + inputs * outputs + 9 * outputs + outputs * outputs
            channels += [outputs, outputs]
            if inputs != outputs:
                kernels += inputs * outputs
                channels.append(outputs)
            inputs = outputs
    norms = 2 * sum(channels)
    return kernels + norms + 4 * width * classes + classes, norms


@pytest.mark.parametrize(("depth", "width", "classes"), [(14, 16, 10), (20, 32, 200), (8, 5, 3)])
def test_parameters_of_cifar_networks(depth: int, width: int, classes: int) -> None:
    config = NetworkConfig(depth=depth, width=width, classes=classes, convolutions="separable")
    assert count_parameters(build_model(config)) == expected_parameters(depth, width, classes)
    full = NetworkConfig(depth=depth, width=width, classes=classes)
    assert count_parameters(build_model(full))[1] == expected_parameters(depth, width, classes)[1]


def test_bottlenecks_separate_their_3x3_alone() -> None:
    full, separable = (
        build_model(NetworkConfig("imagenet", 50, 8, kernels="binary", convolutions=kind))
        for kind in ("full", "separable")
    )
    kinds = [type(layer) for layer in separable.blocks[0].convolutions]
    assert kinds == [Convolution, SeparableConvolution, Convolution]
    blocks = zip((8, 16, 32, 64), (3, 4, 6, 3), strict=True)
    saved = sum(count * (9 * c * c - 9 * c - c * c) for c, count in blocks)
    assert count_parameters(full)[0] - count_parameters(separable)[0] == saved


@pytest.mark.parametrize("train", ["bn", "all", "all_but_bn", "bn_and_output", "random_subset"])
def test_trained_variables_get_gradients(train: str) -> None:
    model = build_model(NetworkConfig(depth=8, width=4, train=train, convolutions="separable"))
    with tf.GradientTape() as tape:
        logits = model(tf.random.stateless_normal([4, 16, 16, 3], [1, 2]), training=True)
        loss = tf.reduce_sum(logits**2)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert gradients
    assert all(np.any(gradient.numpy()) for gradient in gradients)


def test_random_subset_trains_as_many_weights_as_batchnorm_has_in_the_blocks_and_the_stem() -> None:
    model = build_model(NetworkConfig(train="random_subset", convolutions="separable"))
    trained = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert trained == count_parameters(model)[1]


def test_recomputation_gives_the_same_gradients() -> None:
    images = tf.random.stateless_normal([4, 16, 16, 3], [3, 4])
    results = []
    for together in (0, 2):
        config = NetworkConfig(
            depth=14, width=4, train="all", convolutions="separable", blocks_recomputed=together
        )
        model = build_model(config, 7)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(images, training=True) ** 2)
        results.append(tape.gradient(loss, model.trainable_variables))
    for plain, again in zip(*results, strict=True):
        np.testing.assert_allclose(again, plain, atol=1e-3 * np.abs(plain).max())


def test_bfloat16() -> None:
    model = build_model(SEPARABLE, precision="mixed_bfloat16")
    float32 = build_model(SEPARABLE)
    images = tf.random.stateless_normal([8, 16, 16, 3], [1, 2])
    logits, exact = model(images, training=True), float32(images, training=True)
    assert logits.dtype == tf.float32
    np.testing.assert_allclose(logits, exact, atol=0.1 * np.abs(exact).max())
