"""Convolution, BatchNorm and gate as PyTorch computes them, on channels-last features.

Layers make their variables at once and say that they are built: Keras would try out a layer that
does not, which doubles the time of tracing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.trainers.finegan.initial_values import InitialValues

EPSILON = 1e-5
# Share of a batch's statistics in the running ones; PyTorch's momentum.
STATISTICS_SHARE = 0.1
LEAK = 0.2
# From this side on, four taps at the low resolution beat nine at the high one (measured: 1.5 to 2
# times as fast, forward and backward, in float32 and bfloat16); below it, kernels outweigh pixels.
TRANSPOSED_FROM_SIDE = 16
# Which of the four rows of a kernel at twice the resolution each of three rows falls on, when every
# pixel was doubled before.
_DOUBLING = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], np.float32)


class Convolution(keras.layers.Layer):
    """A convolution without bias.

    Args:
        shape: `(size, in, out)`.
        values: Draws the kernel.
        stride: Of both axes.
        padding: Zeros on each side.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        values: InitialValues,
        *,
        stride: int = 1,
        padding: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        size, inputs, outputs = shape
        self.stride, self.padding, self.size = stride, padding, size
        self.kernel = weight(self, "kernel", values.kernel((size, size, inputs, outputs)))
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height', width', out]`."""
        kernel = tf.convert_to_tensor(self.kernel)
        if self.stride == 1 and 2 * self.padding + 1 == self.size:
            return tf.nn.conv2d(features, kernel, 1, "SAME")
        # Explicit padding would keep bfloat16 off the fast kernels (measured: ten times as slow).
        if self.padding:
            around = [self.padding, self.padding]
            features = tf.pad(features, [[0, 0], around, around, [0, 0]])
        return tf.nn.conv2d(features, kernel, self.stride, "VALID")


class DoublingConvolution(Convolution):
    """Doubles every pixel in both axes, then convolves with a 3 x 3 kernel.

    Doubled pixels meet several taps of the kernel, which can be added up before: what is left is a
    transposed convolution with a 4 x 4 kernel of stride 2, 4/9 of the multiplications.
    """

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, 2 height, 2 width, out]`."""
        if features.shape[1] < TRANSPOSED_FROM_SIDE:
            doubled = tf.repeat(tf.repeat(features, 2, axis=1), 2, axis=2)
            return super().call(doubled)
        batch, (height, width) = tf.shape(features)[0], features.shape[1:3]
        kernel = tf.convert_to_tensor(self.kernel)
        shape = tf.stack([batch, 2 * height, 2 * width, kernel.shape[-1]])
        return tf.nn.conv2d_transpose(features, _at_double_resolution(kernel), shape, 2, "SAME")


class CodeConvolution(keras.layers.Layer):
    """Convolves features joined with a code that is the same at every pixel; 3 x 3, code first.

    A constant's share in the output differs between nine kinds of pixels only (inside, sides,
    corners): it is computed on a picture of 3 x 3 pixels, not at every pixel.

    Args:
        shape: `(size, in, out)`; the code counts among what comes in.
        values: Draws the kernel.
    """

    def __init__(self, shape: tuple[int, int, int], values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        size, inputs, outputs = shape
        self.kernel = weight(self, "kernel", values.kernel((size, size, inputs, outputs)))
        self.built = True

    def call(self, features: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` and `[batch, codes]` -> `[batch, height, width, out]`."""
        kernel = tf.convert_to_tensor(self.kernel)
        count = codes.shape[-1]
        codes = tf.cast(codes, features.dtype)[:, None, None, :]
        nine = tf.broadcast_to(codes, tf.stack([tf.shape(codes)[0], 3, 3, count]))
        share = tf.nn.conv2d(nine, kernel[:, :, :count], 1, "SAME")
        outputs = tf.nn.conv2d(features, kernel[:, :, count:], 1, "SAME")
        share = _stretched(share, features.shape[1], axis=1)
        return outputs + _stretched(share, features.shape[2], axis=2)


class BatchNorm(keras.layers.Layer):
    """Batch statistics in training, running ones else; the running variance is the unbiased one.

    Args:
        channels: Of the features.
        values: Draws gamma; beta starts at 0.
    """

    def __init__(self, channels: int, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        zeros = np.zeros(channels, np.float32)
        # Statistics and parameters stay float32 under every dtype policy.
        self.gamma = weight(self, "gamma", values.gamma(channels), autocast=False)
        self.beta = weight(self, "beta", zeros, autocast=False)
        self.running_mean = self._statistic("running_mean", zeros)
        self.running_variance = self._statistic("running_variance", zeros + 1)
        self.built = True

    def call(self, features: tf.Tensor, training: bool = False, groups: int = 1) -> tf.Tensor:
        """Normalises, scales and shifts.

        Args:
            features: `[batch, height, width, channels]`.
            training: Whether to use, and remember, the batch's own statistics.
            groups: Equal parts of the batch that have statistics of their own, as if each were a
                batch; remembered in their order.
        """
        if not training:
            factor = tf.convert_to_tensor(self.gamma) * tf.math.rsqrt(
                tf.convert_to_tensor(self.running_variance) + EPSILON
            )
            offset = self.beta - self.running_mean * factor
            return features * tf.cast(factor, features.dtype) + tf.cast(offset, features.dtype)
        if groups == 1:
            return self._remembered(_normalised, features)
        parts = [self._remembered(_normalised, part) for part in tf.split(features, groups)]
        return tf.concat(parts, 0)

    def gated(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        """BatchNorm and the gated linear unit behind it: `[…, channels]` -> `[…, channels / 2]`."""
        # In float32, what lies between the two is computed again in the backward pass: it would be
        # a tenth of an update's memory. A narrow type takes half of all memory as it is.
        if training and features.dtype == tf.float32:
            return self._remembered(_normalised_and_gated, features)
        return gated(self(features, training=training))

    def _remembered(self, normalise: Callable[..., Any], features: tf.Tensor) -> tf.Tensor:
        gamma, beta = (tf.convert_to_tensor(one) for one in (self.gamma, self.beta))
        outputs, mean, variance = normalise(features, gamma, beta)
        for running, value in ((self.running_mean, mean), (self.running_variance, variance)):
            running.assign(running + STATISTICS_SHARE * (tf.stop_gradient(value) - running))
        return outputs

    def _statistic(self, name: str, start: NDArray[np.float32]) -> keras.Variable:
        return weight(self, name, start, autocast=False, trainable=False, aggregation="mean")


def weight(
    layer: keras.layers.Layer, name: str, values: NDArray[np.float32], **options: Any
) -> keras.Variable:
    """A layer's variable with the given start."""
    return layer.add_weight(
        shape=values.shape, initializer=lambda *_, **__: values, name=name, **options
    )


def gated(features: tf.Tensor) -> tf.Tensor:
    """The gated linear unit: the first half of the channels times the sigmoid of the second."""
    values, gates = tf.split(features, 2, axis=-1)
    return values * tf.sigmoid(gates)


def leaky_relu(features: tf.Tensor) -> tf.Tensor:
    """Negative values times 0.2."""
    return tf.nn.leaky_relu(features, LEAK)


def _normalised(features: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Normalised features, the batch's mean, and its unbiased variance."""
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=features,
        scale=gamma,
        offset=beta,
        mean=tf.constant([], tf.float32),
        variance=tf.constant([], tf.float32),
        epsilon=EPSILON,
        is_training=True,
    )
    return outputs, mean, variance


@tf.custom_gradient
def _normalised_and_gated(
    features: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor
) -> tuple[tuple[tf.Tensor, ...], Callable[..., Any]]:
    """The same behind a gate; the backward pass keeps `features` alone and normalises again."""
    normalised, mean, variance = _normalised(features, gamma, beta)

    def backward(upstream: tf.Tensor, *_: tf.Tensor) -> list[tf.Tensor]:
        # Waiting for the gradient keeps the second computation from being merged with the first.
        with tf.control_dependencies([upstream]):
            again = [tf.identity(tensor) for tensor in (features, gamma, beta)]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(again)
            outputs = gated(_normalised(*again)[0])
        gradients: list[tf.Tensor] = tape.gradient(outputs, again, output_gradients=upstream)
        return gradients

    return (gated(normalised), mean, variance), backward


def _at_double_resolution(kernel: tf.Tensor) -> tf.Tensor:
    """`[3, 3, in, out]` -> the `[4, 4, out, in]` of the transposed convolution."""
    _, _, inputs, outputs = kernel.shape
    # Transposed convolutions turn their kernel round.
    spread = np.einsum("ai,bj->abij", _DOUBLING[::-1], _DOUBLING[::-1]).reshape(16, 9)
    rows = tf.matmul(tf.constant(spread, kernel.dtype), tf.reshape(kernel, [9, -1]))
    return tf.transpose(tf.reshape(rows, [4, 4, inputs, outputs]), [0, 1, 3, 2])


def _stretched(features: tf.Tensor, size: int, axis: int) -> tf.Tensor:
    """First, middle and last along an axis -> `size` pixels of which all inner ones are alike."""
    first, middle, last = tf.split(features, 3, axis=axis)
    shape = tf.unstack(tf.shape(middle))
    shape[axis] = size - 2
    return tf.concat([first, tf.broadcast_to(middle, tf.stack(shape)), last], axis)
