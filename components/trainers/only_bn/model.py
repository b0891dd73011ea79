"""The ResNets of "Training BatchNorm and Only BatchNorm" (arXiv 2003.00152).

Source: open_lth, models/cifar_resnet.py and models/imagenet_resnet.py (torchvision's ResNet, the
stride of a bottleneck on its 3x3 convolution).

An earlier TensorFlow version diverged at 218 layers and more. Its code differs in two ways: gamma
from N(0, 1) instead of U(0, 1), and the last ReLU of a block before the sum instead of after it, so
that the residual stream can only grow from block to block. Measured before training (width 4, 16
images of CIFAR-10), the second is what matters: with it the mean feature after 434 layers is 10.5
and the loss 27, here 2.8 and 6.9; gamma alone leaves them at 3.0 and 7.6. Within ten
steps of 218 such layers, both together did not make the loss diverge.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainers.only_bn.layers import BatchNorm, Convolution, OutputLayer, pad
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.recomputation import recomputed
from components.trainers.only_bn.separable import block_convolution

BOTTLENECK_EXPANSION = 4


class ResidualBlock(keras.layers.Layer):
    """Convolutions with BatchNorm, added to a shortcut, then ReLU.

    Args:
        config: The network's.
        inputs: Channels that come in.
        channels: Channels of the 3x3 convolutions.
        stride: Of the first 3x3 convolution and of the shortcut.
        streams: Random generators, one for each layer in turn.
    """

    def __init__(
        self,
        config: NetworkConfig,
        inputs: int,
        channels: int,
        stride: int,
        streams: Iterator[np.random.Generator],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        outputs = channels * (BOTTLENECK_EXPANSION if config.bottleneck else 1)
        shapes: tuple[tuple[int, int, int], ...]
        strides: tuple[int, ...]
        if config.bottleneck:
            shapes = ((1, inputs, channels), (3, channels, channels), (1, channels, outputs))
            strides = (1, stride, 1)
        else:
            shapes, strides = ((3, inputs, channels), (3, channels, channels)), (stride, 1)
        dtype = {"dtype": self.dtype_policy}
        self.convolutions, self.norms = [], []
        for shape, step in zip(shapes, strides, strict=True):
            self.convolutions.append(block_convolution(config, shape, step, next(streams), **dtype))
            self.norms.append(BatchNorm(config, shape[-1], next(streams), **dtype))
        self.shortcut: Convolution | None = None
        self.shortcut_norm: BatchNorm | None = None
        if stride != 1 or inputs != outputs:
            shape = (1, inputs, outputs)
            self.shortcut = Convolution(config, shape, stride, next(streams), **dtype)
            self.shortcut_norm = BatchNorm(config, outputs, next(streams), **dtype)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height / stride, width / stride, out]`."""
        branch = images
        last = len(self.norms) - 1
        for index, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            branch = norm(convolution(branch), training=training)
            branch = branch if index == last else tf.nn.relu(branch)
        if self.shortcut is not None and self.shortcut_norm is not None:
            images = self.shortcut_norm(self.shortcut(images), training=training)
        return tf.nn.relu(branch + images)


class ResNet(keras.Model):
    """A ResNet of either family; `build_model` makes it.

    Attributes:
        config: Its shape.
        stem, stem_norm, blocks, output_layer: Its parts, in order.
    """

    def __init__(self, config: NetworkConfig, seed: int, precision: str) -> None:
        super().__init__(dtype=precision)
        self.config = config
        streams = _streams(seed)
        channels = config.channels
        size, stride = (3, 1) if config.family == "cifar" else (7, 2)
        dtype = {"dtype": precision}
        self.stem = Convolution(config, (size, 3, channels), stride, next(streams), **dtype)
        self.stem_norm = BatchNorm(config, channels, next(streams), **dtype)
        self.blocks = []
        inputs = channels
        for segment, count in enumerate(config.segments):
            for index in range(count):
                stride = 2 if segment and not index else 1
                block = ResidualBlock(config, inputs, channels, stride, streams, **dtype)
                self.blocks.append(block)
                inputs = channels * (BOTTLENECK_EXPANSION if config.bottleneck else 1)
            channels *= 2
        self.output_layer = OutputLayer(config, inputs, next(streams), **dtype)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalised images `[batch, height, width, 3]` -> float32 logits `[batch, classes]`."""
        features = tf.nn.relu(self.stem_norm(self.stem(images), training=training))
        if self.config.family == "imagenet":
            # Zeros stand for PyTorch's minus infinity: after a ReLU no value is below them.
            features = tf.nn.max_pool2d(pad(features, 1), 3, 2, "VALID")
        together = self.config.blocks_together
        if not (training and together):
            return self.output_layer(_in_turn(self.blocks, features, training))
        for start in range(0, len(self.blocks), together):
            group = self.blocks[start : start + together]
            features = recomputed(group, partial(_in_turn, group, training=True), features)
        return self.output_layer(features)

    @property
    def norms(self) -> list[BatchNorm]:
        """Every BatchNorm, from input to output, a block's shortcut after its branch."""
        inside = [
            norm
            for block in self.blocks
            for norm in (*block.norms, block.shortcut_norm)
            if norm is not None
        ]
        return [self.stem_norm, *inside]


def build_model(config: NetworkConfig, seed: int = 0, precision: str = "float32") -> ResNet:
    """A network with its initial weights.

    Args:
        config: Its shape, and what of it trains: only that is in `trainable_variables`, and only
            that gets gradients.
        seed: Determines every weight.
        precision: Keras' dtype policy; variables are float32 under each.
    """
    model = ResNet(config, seed, precision)
    model.built = True
    return model


def count_parameters(model: ResNet) -> tuple[int, int]:
    """Parameters in all, and those of BatchNorm (gammas and betas); running statistics are none."""
    norms = sum(2 * int(norm.gamma.shape[0]) for norm in model.norms)
    kernels = sum(
        int(np.prod(variable.shape))
        for variable in model.variables
        if variable.name in ("kernel", "bias")
    )
    return kernels + norms, norms


def _in_turn(blocks: list[ResidualBlock], features: tf.Tensor, training: bool) -> tf.Tensor:
    for block in blocks:
        features = block(features, training=training)
    return features


def _streams(seed: int) -> Iterator[np.random.Generator]:
    number = 0
    while True:
        yield np.random.default_rng((seed, number))
        number += 1
