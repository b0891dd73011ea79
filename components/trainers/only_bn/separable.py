"""Depthwise-separable convolutions: one 3x3 filter a channel, then a mix of the channels.

They are not the paper's: they make the preset `efficient` cheap. Where a full 3x3 convolution has
9 * in * out weights, the pair has 9 * in + in * out.

MobileNet (arXiv 1704.04861) puts BatchNorm and ReLU between the two as well. Here the pair stands
for one convolution and BatchNorm follows it alone, so that a network has the same gammas and betas
whatever its convolutions are. The first convolution and the shortcuts, 1x1 anyway, stay full.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainers.only_bn.initializers import kernel_values
from components.trainers.only_bn.layers import Convolution, pad
from components.trainers.only_bn.network_config import NetworkConfig


class DepthwiseConvolution(keras.layers.Layer):
    """A convolution, without bias, of each channel by itself.

    Under `random_subset` it is frozen: the weights chosen from the pointwise convolution after it
    are already as many as BatchNorm has.

    Args:
        config: The network's, for how the kernel starts and whether it trains.
        size: Of the kernel; odd.
        channels: Of the images.
        stride: Of both axes.
        generator: Draws the kernel; the fan-in is a channel's, size * size.
    """

    def __init__(
        self,
        config: NetworkConfig,
        size: int,
        channels: int,
        stride: int,
        generator: np.random.Generator,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.stride, self.padding = stride, size // 2
        # PyTorch's shape of a grouped convolution's kernel, as far as the order of axes goes.
        values = kernel_values(config.kernels, (size, size, 1, channels), generator)
        self.kernel = self.add_weight(
            shape=values.shape,
            initializer=lambda *_, **__: values,
            trainable=config.trains_kernels,
            name="kernel",
        )

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height / stride, width / stride, in]`."""
        kernel = tf.transpose(tf.convert_to_tensor(self.kernel), [0, 1, 3, 2])
        strides = [1, self.stride, self.stride, 1]
        if self.stride == 1:
            return tf.nn.depthwise_conv2d(images, kernel, strides, "SAME")
        # As in `Convolution`: PyTorch pads both sides alike.
        return tf.nn.depthwise_conv2d(pad(images, self.padding), kernel, strides, "VALID")


class SeparableConvolution(keras.layers.Layer):
    """A depthwise convolution, which has the stride, and a pointwise one; nothing between them.

    Args:
        config: The network's.
        shape: `(size, in, out)`.
        stride: Of both axes.
        generator: Draws both kernels.
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
        self.depthwise = DepthwiseConvolution(config, size, inputs, stride, generator, **options)
        self.pointwise = Convolution(config, (1, inputs, outputs), 1, generator, **options)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height / stride, width / stride, out]`."""
        return self.pointwise(self.depthwise(images))


def block_convolution(
    config: NetworkConfig,
    shape: tuple[int, int, int],
    stride: int,
    generator: np.random.Generator,
    **options: Any,
) -> Convolution | SeparableConvolution:
    """A convolution of a block, as `network.convolutions` says; those of 1x1 are full in any case.

    Args:
        config: The network's.
        shape: `(size, in, out)`.
        stride: Of both axes.
        generator: Draws its weights.
        **options: Keras' of a layer, such as `dtype`.
    """
    separable = config.convolutions == "separable" and shape[0] > 1
    layer = SeparableConvolution if separable else Convolution
    return layer(config, shape, stride, generator, **options)
