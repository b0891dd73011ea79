"""Layers as PyTorch computes them, channels last.

Layers make their variables at once and say that they are built: Keras would try out a layer that
does not, which doubles the time of tracing.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.trainers.detr.initial_values import InitialValues

EPSILON = 1e-5


class Linear(keras.layers.Layer):
    """A matrix and a bias on the last axis.

    Args:
        kernel: Its start, `[in, out]`.
        bias: Its start, `[out]`.
    """

    def __init__(self, kernel: NDArray[Any], bias: NDArray[Any], **options: Any) -> None:
        super().__init__(**options)
        self.kernel = weight(self, "kernel", kernel)
        self.bias = weight(self, "bias", bias)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[…, in]` -> `[…, out]`."""
        return affine(features, tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias))


class Convolution(keras.layers.Layer):
    """A convolution of stride 1 with a bias, which keeps the size.

    Args:
        kernel: Its start, `[size, size, in, out]`.
        bias: Its start, `[out]`.
    """

    def __init__(self, kernel: NDArray[Any], bias: NDArray[Any], **options: Any) -> None:
        super().__init__(**options)
        self.kernel = weight(self, "kernel", kernel)
        self.bias = weight(self, "bias", bias)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height, width, out]`."""
        outputs = tf.nn.conv2d(features, tf.convert_to_tensor(self.kernel), 1, "SAME")
        return tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias))


class LayerNorm(keras.layers.Layer):
    """Normalises the last axis, in float32 where features are narrower.

    Args:
        features: Its size.
    """

    def __init__(self, features: int, **options: Any) -> None:
        super().__init__(**options)
        self.gamma = weight(self, "gamma", np.ones(features, np.float32), autocast=False)
        self.beta = weight(self, "beta", np.zeros(features, np.float32), autocast=False)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[…, features]`, normalised, scaled and shifted."""
        return _normalised(features, [-1], self.gamma, self.beta)


class GroupNorm(keras.layers.Layer):
    """Normalises groups of channels over the image, in float32 where features are narrower.

    Args:
        channels: Of the features.
        groups: Equal parts of the channels.
    """

    def __init__(self, channels: int, groups: int, **options: Any) -> None:
        super().__init__(**options)
        self.groups = groups
        self.gamma = weight(self, "gamma", np.ones(channels, np.float32), autocast=False)
        self.beta = weight(self, "beta", np.zeros(channels, np.float32), autocast=False)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, channels]`, normalised, scaled and shifted."""
        shape, channels = tf.shape(features), features.shape[-1]
        parts = [self.groups, channels // self.groups]
        grouped = tf.reshape(features, tf.concat([shape[:1], [shape[1] * shape[2]], parts], 0))
        gamma, beta = (tf.reshape(tf.convert_to_tensor(v), parts) for v in (self.gamma, self.beta))
        return tf.reshape(_normalised(grouped, [1, 3], gamma, beta), shape)


def affine(features: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """`[…, in]` times `[in, out]` plus `[out]`, as one product of matrices."""
    rows = tf.reshape(features, [-1, kernel.shape[0]])
    outputs = tf.nn.bias_add(tf.matmul(rows, kernel), bias)
    shape = tf.concat([tf.shape(features)[:-1], [kernel.shape[1]]], 0)
    outputs = tf.reshape(outputs, shape)
    outputs.set_shape([*features.shape[:-1], kernel.shape[1]])
    return outputs


def weight(
    layer: keras.layers.Layer, name: str, values: NDArray[np.float32], **options: Any
) -> keras.Variable:
    """A layer's variable with the given start."""
    return layer.add_weight(
        shape=values.shape, initializer=lambda *_, **__: values, name=name, **options
    )


def widened(features: tf.Tensor) -> tf.Tensor:
    """16-bit features in float32; others as they are."""
    return tf.cast(features, tf.float32) if features.dtype.size < 4 else features


def default_linear(inputs: int, outputs: int, values: InitialValues, **options: Any) -> Linear:
    """A `Linear` with PyTorch's initial values."""
    kernel = values.default((inputs, outputs), inputs)
    return Linear(kernel, values.default((outputs,), inputs), **options)


def _normalised(features: tf.Tensor, axes: list[int], gamma: Any, beta: Any) -> tf.Tensor:
    exact = widened(features)
    centred = exact - tf.reduce_mean(exact, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    factor = tf.math.rsqrt(variance + EPSILON) * tf.convert_to_tensor(gamma)
    return tf.cast(centred * factor + tf.convert_to_tensor(beta), features.dtype)
