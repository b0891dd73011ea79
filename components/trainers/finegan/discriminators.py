"""The three discriminators: a patch-wise one of backgrounds, one of parents, one of children.

Source: the authors' code/model.py (`Background_D`, `Parent_D`, `Child_D`), kkanshul/finegan at
38db1db. All outputs are logits: the authors' sigmoid is in the loss.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import keras
import tensorflow as tf

from components.trainers.finegan.initial_values import InitialValues
from components.trainers.finegan.layers import BatchNorm, Convolution, leaky_relu, weight
from components.trainers.finegan.network_config import FIRST_SIDE, NetworkConfig


class PatchDiscriminator(keras.Model):
    """Tells patches of real from patches of made backgrounds, and background from foreground.

    Neither BatchNorm nor bias but in the two heads, so a batch may be put together at will.

    Attributes:
        convolutions: In order.
        background_kernel, background_bias: The head that tells background from foreground.
        real_kernel, real_bias: The head that tells real from made.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, precision: str) -> None:
        super().__init__(dtype=precision)
        width = config.discriminator_width
        channels = (3, width, 2 * width, 4 * width)
        self.convolutions = [
            Convolution((4, inputs, outputs), values, stride=stride, padding=0, dtype=precision)
            for inputs, outputs, stride in zip(
                channels[:-1], channels[1:], config.patch_strides, strict=True
            )
        ]
        shape = (4, 4, channels[-1], 1)
        fan_in = math.prod(shape)
        self.background_kernel = weight(self, "background_kernel", values.kernel(shape))
        self.background_bias = weight(
            self, "background_bias", values.bias(1, fan_in), autocast=False
        )
        self.real_kernel = weight(self, "real_kernel", values.kernel(shape))
        self.real_bias = weight(self, "real_bias", values.bias(1, fan_in), autocast=False)
        self.built = True

    def call(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Judges images.

        Args:
            images: `[batch, background_size, background_size, 3]` in [-1, 1].

        Returns:
            Logits, float32 `[batch, patches, patches]`: background, real.
        """
        features = tf.cast(images, self.compute_dtype)
        for convolution in self.convolutions:
            features = leaky_relu(convolution(features))
        # One convolution with two outputs reads the features once.
        heads = (self.background_kernel, self.real_kernel)
        kernel = tf.concat([tf.convert_to_tensor(head) for head in heads], axis=-1)
        logits = tf.cast(tf.nn.conv2d(features, kernel, 1, "VALID"), tf.float32)
        background, real = tf.unstack(logits, axis=-1)
        return background + self.background_bias, real + self.real_bias


class DiscriminatorBlock(keras.layers.Layer):
    """A convolution, BatchNorm (not in the first block), and a leaky ReLU.

    Args:
        shape: `(size, in, out)` of the convolution: 4 halves the side, 3 keeps it.
        values: Draws the weights.
        norm: Whether there is BatchNorm.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        values: InitialValues,
        norm: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        dtype = {"dtype": self.dtype_policy}
        stride = 2 if shape[0] == 4 else 1
        self.convolution = Convolution(shape, values, stride=stride, **dtype)
        self.norm = BatchNorm(shape[-1], values, **dtype) if norm else None
        self.built = True

    def call(self, features: tf.Tensor, training: bool = False, groups: int = 1) -> tf.Tensor:
        """`[batch, height, width, in]` -> `[batch, height', width', out]`."""
        features = self.convolution(features)
        if self.norm is not None:
            features = self.norm(features, training=training, groups=groups)
        return leaky_relu(features)


class Linear(keras.layers.Layer):
    """A linear function of all features of an image, in float32 (a convolution of full size).

    Args:
        channels: Of the 4 x 4 features.
        outputs: Numbers an image.
        values: Draws kernel and bias.
    """

    def __init__(self, channels: int, outputs: int, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        shape = (FIRST_SIDE, FIRST_SIDE, channels, outputs)
        self.kernel = weight(self, "kernel", values.kernel(shape), autocast=False)
        fan_in = FIRST_SIDE**2 * channels
        self.bias = weight(self, "bias", values.bias(outputs, fan_in), autocast=False)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, 4, 4, channels]` -> `[batch, outputs]`."""
        kernel = tf.convert_to_tensor(self.kernel)
        flat = tf.reshape(features, [-1, FIRST_SIDE**2 * features.shape[-1]])
        flat_kernel = tf.reshape(kernel, [-1, kernel.shape[-1]])
        return tf.matmul(tf.cast(flat, tf.float32), flat_kernel) + self.bias


class CodeDiscriminator(keras.Model):
    """Tells real from made images, and which code an image was made with.

    Attributes:
        config: The networks' shape.
        encoder: From the image to 4 x 4 features.
        code_block: The first part of the code's head.
        code_head: Its logits.
        real_head: Reads the encoder's features, not the code's.
    """

    def __init__(
        self, config: NetworkConfig, classes: int, values: InitialValues, precision: str
    ) -> None:
        super().__init__(dtype=precision)
        self.config = config
        dtype: dict[str, Any] = {"dtype": precision}
        halving = (3, *config.discriminator_channels)
        keeping = (halving[-1], *config.narrowing_channels)
        shapes = [(4, *pair) for pair in pairwise(halving)]
        shapes += [(3, *pair) for pair in pairwise(keeping)]
        self.encoder = [
            DiscriminatorBlock(shape, values, bool(index), **dtype)
            for index, shape in enumerate(shapes)
        ]
        channels = keeping[-1]
        self.code_block = DiscriminatorBlock((3, channels, channels), values, **dtype)
        self.code_head = Linear(channels, classes, values, **dtype)
        self.real_head = Linear(channels, 1, values, **dtype)
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Judges images.

        Args:
            images: `[batch, size, size, 3]` in [-1, 1].
            training: Whether BatchNorm uses the batch's statistics.

        Returns:
            Logits, float32: of the codes `[batch, classes]`, of being real `[batch]`.
        """
        features = self.encode(images, training)
        return self.code_logits(features, training), self.real_logits(features)

    def encode(self, images: tf.Tensor, training: bool, groups: int = 1) -> tf.Tensor:
        """`[batch, size, size, 3]` -> `[batch, 4, 4, channels]`; `groups` as in `BatchNorm`."""
        features = tf.cast(images, self.compute_dtype)
        for block in self.encoder:
            features = block(features, training=training, groups=groups)
        return features

    def code_logits(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        """The encoder's features -> `[batch, classes]`."""
        return self.code_head(self.code_block(features, training=training))

    def real_logits(self, features: tf.Tensor) -> tf.Tensor:
        """The encoder's features -> `[batch]`."""
        return tf.squeeze(self.real_head(features), -1)

    @property
    def encoder_variables(self) -> list[keras.Variable]:
        """What both heads build on."""
        return [v for block in self.encoder for v in block.trainable_variables]

    @property
    def code_variables(self) -> list[keras.Variable]:
        """The code's head, which the information loss alone trains."""
        return [*self.code_block.trainable_variables, *self.code_head.trainable_variables]
