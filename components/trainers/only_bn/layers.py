"""Convolution, BatchNorm and output layer as PyTorch computes them, on channels-last images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainers.only_bn.initializers import (
    chosen_weights,
    gamma_and_beta_values,
    kernel_values,
)
from components.trainers.only_bn.network_config import NetworkConfig

EPSILON = 1e-5
# Share of a batch's statistics in the running ones; PyTorch's momentum.
STATISTICS_SHARE = 0.1
# BatchNorm has a gamma and a beta for each channel; the control trains as many weights.
CHOSEN_PER_CHANNEL = 2


class Convolution(keras.layers.Layer):
    """A convolution without bias.

    Args:
        config: The network's, for how the kernel starts and whether it trains.
        shape: `(size, in, out)`.
        stride: Of both axes.
        generator: Draws the kernel, and which of its weights train.
    """

    def __init__(
        self,
        config: NetworkConfig,
        shape: tuple[int, int, int],
        stride: int,
        generator: np.random.Generator,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        size, inputs, outputs = shape
        self.stride, self.padding = stride, size // 2
        values = kernel_values(config.kernels, (size, size, inputs, outputs), generator)
        self.kernel = self.add_weight(
            shape=values.shape,
            initializer=lambda *_, **__: values,
            trainable=config.trains_kernels,
            name="kernel",
        )
        self.chosen_values = None
        if config.train == "random_subset":
            self.positions = chosen_weights(values.shape, CHOSEN_PER_CHANNEL, generator)
            start = values[tuple(self.positions.T)]
            self.chosen_values = self.add_weight(
                shape=start.shape, initializer=lambda *_, **__: start, name="chosen_values"
            )

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height / stride, width / stride, out]`."""
        kernel = tf.convert_to_tensor(self.kernel)
        if self.chosen_values is not None:
            chosen = tf.convert_to_tensor(self.chosen_values)
            kernel = tf.tensor_scatter_nd_update(kernel, self.positions, chosen)
        if self.stride == 1:
            return tf.nn.conv2d(images, kernel, 1, "SAME")
        # PyTorch pads both sides alike; SAME would pad the bottom and the right only.
        if self.padding:
            images = pad(images, self.padding)
        return tf.nn.conv2d(images, kernel, self.stride, "VALID")


class BatchNorm(keras.layers.Layer):
    """Batch statistics in training, running ones else; the running variance is the unbiased one.

    Keras' own layer stores the biased variance and stops using batch statistics when it is frozen.

    Args:
        config: The network's, for how gamma and beta start and whether they train.
        channels: Of the images.
        generator: Draws gamma.
    """

    def __init__(
        self,
        config: NetworkConfig,
        channels: int,
        generator: np.random.Generator,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        gamma, beta = gamma_and_beta_values(config.gamma, channels, generator)
        trains = config.trains_norms
        # Statistics and parameters stay float32 under every dtype policy.
        self.gamma = self._vector("gamma", gamma, trainable=trains)
        self.beta = self._vector("beta", beta, trainable=trains)
        self.running_mean = self._vector("running_mean", np.zeros_like(beta), aggregation="mean")
        self.running_variance = self._vector(
            "running_variance", np.ones_like(beta), aggregation="mean"
        )

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[batch, height, width, channels]`, normalised, scaled and shifted."""
        if not training:
            factor = tf.convert_to_tensor(self.gamma) * tf.math.rsqrt(
                tf.convert_to_tensor(self.running_variance) + EPSILON
            )
            offset = self.beta - self.running_mean * factor
            return images * tf.cast(factor, images.dtype) + tf.cast(offset, images.dtype)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.constant([], tf.float32),
            variance=tf.constant([], tf.float32),
            epsilon=EPSILON,
            is_training=True,
        )
        for running, value in ((self.running_mean, mean), (self.running_variance, variance)):
            running.assign(running + STATISTICS_SHARE * (tf.stop_gradient(value) - running))
        return outputs

    def _vector(
        self, name: str, values: Any, *, trainable: bool = False, aggregation: str = "none"
    ) -> keras.Variable:
        return self.add_weight(
            shape=values.shape,
            initializer=lambda *_, **__: values,
            trainable=trainable,
            autocast=False,
            aggregation=aggregation,
            name=name,
        )


class OutputLayer(keras.layers.Layer):
    """Averages each channel over the image and gives float32 logits, `[batch, classes]`."""

    def __init__(
        self,
        config: NetworkConfig,
        inputs: int,
        generator: np.random.Generator,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        trains = config.trains_output
        kernel = kernel_values(config.kernels, (inputs, config.classes), generator)
        bound = inputs**-0.5
        bias = generator.uniform(-bound, bound, config.classes).astype(np.float32)
        self.kernel = self.add_weight(
            shape=kernel.shape,
            initializer=lambda *_, **__: kernel,
            trainable=trains,
            autocast=False,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=bias.shape,
            initializer=lambda *_, **__: bias,
            trainable=trains,
            autocast=False,
            name="bias",
        )

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, classes]`."""
        features = tf.reduce_mean(tf.cast(images, tf.float32), axis=(1, 2))
        return tf.matmul(features, tf.convert_to_tensor(self.kernel)) + self.bias


def pad(images: tf.Tensor, pixels: int) -> tf.Tensor:
    """Adds zeros on the four sides of `[batch, height, width, channels]`."""
    return tf.pad(images, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
