"""ResNet v1.5 with frozen BatchNorm (torchvision's resnet.py, the authors' models/backbone.py).

`keras.applications.ResNet50` is another network: strides on the first convolution of a block,
biases, another epsilon.

The frozen BatchNorm is a factor and an offset for each channel. The factor is multiplied into the
kernel, the offset is the convolution's bias: one pass over the features instead of three.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.layers import EPSILON, weight
from components.trainers.detr.network_config import NetworkConfig


class NormedConvolution(keras.layers.Layer):
    """A convolution and the frozen BatchNorm behind it.

    Args:
        shape: `(size, in, out)`.
        values: Draws the kernel.
        stride: Of both axes.
        dilation: Of both axes.
        gain: Start of the BatchNorm's gamma.
        trained: Whether the kernel trains.
        norm_trained: Whether gamma and beta train; its statistics never change.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        values: InitialValues,
        *,
        stride: int = 1,
        dilation: int = 1,
        gain: float = 1.0,
        trained: bool = True,
        norm_trained: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        size, inputs, outputs = shape
        self.size, self.stride, self.dilation = size, stride, dilation
        kernel = values.kaiming_fan_out((size, size, inputs, outputs))
        zeros, ones = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)
        # Full precision until the factor is in the kernel: it is rounded once.
        exact: dict[str, Any] = {"autocast": False}
        self.kernel = weight(self, "kernel", kernel, trainable=trained, **exact)
        norm: dict[str, Any] = {"trainable": norm_trained, **exact}
        self.gamma = weight(self, "gamma", ones * np.float32(gain), **norm)
        self.beta = weight(self, "beta", zeros, **norm)
        self.mean = weight(self, "mean", zeros, trainable=False, **exact)
        self.variance = weight(self, "variance", ones, trainable=False, **exact)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height / stride, width / stride, out]`."""
        factor = self.gamma * tf.math.rsqrt(tf.convert_to_tensor(self.variance) + EPSILON)
        offset = tf.cast(self.beta - self.mean * factor, features.dtype)
        kernel = tf.cast(self.kernel * factor, features.dtype)
        if self.stride == 1:
            outputs = tf.nn.conv2d(features, kernel, 1, "SAME", dilations=self.dilation)
        else:
            # PyTorch pads both sides alike; SAME would pad the bottom and the right only.
            outputs = tf.nn.conv2d(pad(features, self.size // 2), kernel, self.stride, "VALID")
        return tf.nn.bias_add(outputs, offset)


class Bottleneck(keras.layers.Layer):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the stride is the 3x3's.

    Args:
        channels: `(in, inside, out)`.
        values: Draws the kernels.
        stride: Of both axes.
        dilation: Of the 3x3 convolution.
        projects: Whether the shortcut is a convolution.
        gain: Start of the last BatchNorm's gamma.
        **options: Of `NormedConvolution`, and Keras' of a layer.
    """

    def __init__(
        self,
        channels: tuple[int, int, int],
        values: InitialValues,
        *,
        stride: int,
        dilation: int,
        projects: bool,
        gain: float,
        **options: Any,
    ) -> None:
        super().__init__(dtype=options.get("dtype"))
        inputs, inside, outputs = channels
        shapes = ((1, inputs, inside), (3, inside, inside), (1, inside, outputs))
        special: tuple[dict[str, Any], ...] = (
            {},
            {"stride": stride, "dilation": dilation},
            {"gain": gain},
        )
        self.convolutions = [
            NormedConvolution(shape, values, **own, **options)
            for shape, own in zip(shapes, special, strict=True)
        ]
        self.shortcut = None
        if projects:
            shape = (1, inputs, outputs)
            self.shortcut = NormedConvolution(shape, values, stride=stride, **options)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height / stride, width / stride, out]`."""
        first, second, third = self.convolutions
        branch = third(tf.nn.relu(second(tf.nn.relu(first(features)))))
        if self.shortcut is not None:
            features = self.shortcut(features)
        return tf.nn.relu(branch + features)


class Backbone(keras.layers.Layer):
    """A ResNet without its classifier.

    Args:
        config: The network's.
        values: Draws the kernels.

    Attributes:
        stem: The first convolution.
        blocks: Of all four segments, in order.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        self._counts = config.blocks

        def training(segment: int) -> dict[str, Any]:
            trains = segment >= config.first_trained_segment
            norm_trains = trains and config.norms_trained
            return {"trained": trains, "norm_trained": norm_trains, **options}

        inputs = config.backbone_channels
        self.stem = NormedConvolution((7, 3, inputs), values, stride=2, **training(0))
        # Every block adds its branch to its input. Without pre-trained BatchNorms to shrink them,
        # the features of ResNet-50 would grow 500-fold.
        gain = sum(config.blocks) ** -0.5
        self.blocks: list[Bottleneck] = []
        for index, count in enumerate(config.blocks):
            dilated = config.dc5 and index == 3
            inside, outputs = config.width << index, config.segment_channels[index]
            for number in range(count):
                block = Bottleneck(
                    (inputs, inside, outputs),
                    values,
                    stride=2 if index and not number and not dilated else 1,
                    # torchvision dilates from the second block on.
                    dilation=2 if dilated and number else 1,
                    projects=not number,
                    gain=gain,
                    **training(index + 1),
                )
                self.blocks.append(block)
                inputs = outputs
        self.built = True

    def call(self, images: tf.Tensor) -> list[tf.Tensor]:
        """The features that each segment ends with.

        Args:
            images: `[batch, height, width, 3]`, normalised.

        Returns:
            Four tensors `[batch, height / stride, width / stride, channels]` with the strides 4, 8,
            16 and 32 (DC5: 16), sizes rounded up.
        """
        features = tf.nn.relu(self.stem(images))
        # Zeros stand for PyTorch's minus infinity: after a ReLU no value is below them.
        features = tf.nn.max_pool2d(pad(features, 1), 3, 2, "VALID")
        blocks, outputs = iter(self.blocks), []
        for count in self._counts:
            for block in islice(blocks, count):
                features = block(features)
            outputs.append(features)
        return outputs

    @property
    def named_blocks(self) -> list[tuple[str, Bottleneck]]:
        """The blocks under torchvision's names, `layer1.0` and so on."""
        names = [
            f"layer{segment}.{number}"
            for segment, count in enumerate(self._counts, start=1)
            for number in range(count)
        ]
        return list(zip(names, self.blocks, strict=True))


def pad(features: tf.Tensor, pixels: int) -> tf.Tensor:
    """Adds zeros on the four sides of `[batch, height, width, channels]`."""
    if not pixels:
        return features
    return tf.pad(features, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
