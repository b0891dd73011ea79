"""The generator: background, then a parent shape on it, then a child's appearance on that.

Source: the authors' code/model.py (`G_NET`), kkanshul/finegan at 38db1db.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from components.trainers.finegan.initial_values import InitialValues
from components.trainers.finegan.layers import (
    BatchNorm,
    CodeConvolution,
    Convolution,
    DoublingConvolution,
    weight,
)
from components.trainers.finegan.network_config import FIRST_SIDE, NetworkConfig


class Codes(NamedTuple):
    """What is drawn, one row an image; each of `background`, `parent`, `child` float, one-hot.

    Attributes:
        background: `[batch, backgrounds]`.
        parent: `[batch, parents]`.
        child: `[batch, children]`.
    """

    background: tf.Tensor
    parent: tf.Tensor
    child: tf.Tensor


class Stages(NamedTuple):
    """What the generator gives; images float32 in [-1, 1], masks float32 in [0, 1].

    Attributes:
        background: `[batch, size, size, 3]`.
        background_view: The same, resized for the background discriminator.
        parent: The parent's foreground on the background.
        child: The child's foreground on that: the final image.
        parent_foreground: Without the background.
        parent_mask: `[batch, size, size, 1]`.
        parent_masked: The foreground times its mask: what the parent's code is read from.
        child_foreground: Without what is behind it.
        child_mask: `[batch, size, size, 1]`.
        child_masked: The foreground times its mask: what the child's code is read from.
    """

    background: tf.Tensor
    background_view: tf.Tensor
    parent: tf.Tensor
    child: tf.Tensor
    parent_foreground: tf.Tensor
    parent_mask: tf.Tensor
    parent_masked: tf.Tensor
    child_foreground: tf.Tensor
    child_mask: tf.Tensor
    child_masked: tf.Tensor


class GatedBlock(keras.layers.Layer):
    """A convolution to twice the channels, BatchNorm, and a gate that halves them again.

    Args:
        convolution: The convolution, with codes or without.
        values: Draws BatchNorm's gamma.
    """

    def __init__(
        self, convolution: Convolution | CodeConvolution, values: InitialValues, **options: Any
    ) -> None:
        super().__init__(**options)
        self.convolution = convolution
        channels = int(convolution.kernel.shape[-1])
        self.norm = BatchNorm(channels, values, dtype=self.dtype_policy)
        self.built = True

    def call(
        self, features: tf.Tensor, codes: tf.Tensor | None = None, training: bool = False
    ) -> tf.Tensor:
        """`[batch, height, width, in]`, and codes if the convolution takes them -> features."""
        inputs = (features,) if codes is None else (features, codes)
        return self.norm.gated(self.convolution(*inputs), training)


class ResidualBlock(keras.layers.Layer):
    """A gated block, a convolution with BatchNorm, and the input added; nothing after the sum.

    Args:
        channels: In and out.
        values: Draws the weights.
    """

    def __init__(self, channels: int, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        dtype = {"dtype": self.dtype_policy}
        widening = Convolution((3, channels, 2 * channels), values, **dtype)
        self.gate = GatedBlock(widening, values, **dtype)
        self.convolution = Convolution((3, channels, channels), values, **dtype)
        self.norm = BatchNorm(channels, values, **dtype)
        self.built = True

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[batch, height, width, channels]`, twice."""
        branch = self.convolution(self.gate(features, training=training))
        return features + self.norm(branch, training=training)


class FirstStage(keras.layers.Layer):
    """From a code and noise to features of the image's size (`INIT_STAGE_G`).

    Args:
        config: The network's shape.
        codes: Length of the code.
        values: Draws the weights.
    """

    def __init__(
        self, config: NetworkConfig, codes: int, values: InitialValues, **options: Any
    ) -> None:
        super().__init__(**options)
        dtype = {"dtype": self.dtype_policy}
        channels = config.generator_channels
        outputs = 2 * channels[0] * FIRST_SIDE**2
        self.kernel = weight(self, "kernel", values.kernel((codes + config.noise_size, outputs)))
        self.norm = BatchNorm(outputs, values, **dtype)
        self.doublings = []
        for inputs, outputs in pairwise(channels):
            convolution = DoublingConvolution((3, inputs, 2 * outputs), values, **dtype)
            self.doublings.append(GatedBlock(convolution, values, **dtype))
        self.built = True

    def call(self, noise: tf.Tensor, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[batch, noise]` and `[batch, codes]` -> `[batch, size, size, channels]`."""
        joined = tf.cast(tf.concat([codes, noise], axis=-1), self.compute_dtype)
        vectors = tf.matmul(joined, tf.convert_to_tensor(self.kernel))
        vectors = self.norm.gated(vectors[:, None, None, :], training)
        # The authors' vector holds one channel after the other.
        features = tf.reshape(vectors, [-1, vectors.shape[-1] // FIRST_SIDE**2, FIRST_SIDE**2])
        features = tf.transpose(features, [0, 2, 1])
        features = tf.reshape(features, [-1, FIRST_SIDE, FIRST_SIDE, features.shape[-1]])
        for block in self.doublings:
            features = block(features, training=training)
        return features


class NextStage(keras.layers.Layer):
    """From features and a code to features of half the channels (`NEXT_STAGE_G`).

    Args:
        config: The network's shape.
        channels: Of the features that come in.
        codes: Length of the code.
        values: Draws the weights.
    """

    def __init__(
        self,
        config: NetworkConfig,
        channels: int,
        codes: int,
        values: InitialValues,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        dtype = {"dtype": self.dtype_policy}
        joining = CodeConvolution((3, codes + channels, 2 * channels), values, **dtype)
        self.joint = GatedBlock(joining, values, **dtype)
        self.residuals = [
            ResidualBlock(channels, values, **dtype) for _ in range(config.residual_blocks)
        ]
        # To half the channels, so the convolution before the gate keeps their number.
        last = Convolution((3, channels, channels), values, **dtype)
        self.last = GatedBlock(last, values, **dtype)
        self.built = True

    def call(self, features: tf.Tensor, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[batch, size, size, channels]` and `[batch, codes]` -> `[…, channels / 2]`."""
        features = self.joint(features, codes, training=training)
        for block in self.residuals:
            features = block(features, training=training)
        return self.last(features, training=training)


class Head(keras.layers.Layer):
    """An image, and a mask if asked for; both convolutions in one.

    Args:
        channels: Of the features.
        values: Draws the kernels.
        mask: Whether there is a mask.
    """

    def __init__(self, channels: int, values: InitialValues, mask: bool, **options: Any) -> None:
        super().__init__(**options)
        self.image_kernel = weight(self, "image_kernel", values.kernel((3, 3, channels, 3)))
        self.mask_kernel = None
        if mask:
            self.mask_kernel = weight(self, "mask_kernel", values.kernel((3, 3, channels, 1)))
        self.built = True

    def call(self, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Features -> image float32 in [-1, 1], mask float32 in [0, 1] or None."""
        kernel = tf.convert_to_tensor(self.image_kernel)
        if self.mask_kernel is None:
            image = tf.nn.conv2d(features, kernel, 1, "SAME")
            return tf.tanh(tf.cast(image, tf.float32)), None
        kernel = tf.concat([kernel, tf.convert_to_tensor(self.mask_kernel)], axis=-1)
        outputs = tf.cast(tf.nn.conv2d(features, kernel, 1, "SAME"), tf.float32)
        return tf.tanh(outputs[..., :3]), tf.sigmoid(outputs[..., 3:])


class Generator(keras.Model):
    """Three stages that share one noise vector; `build_generator` makes it.

    Attributes:
        config: Its shape.
        background_stage, background_head: To the background.
        parent_stage, parent_next, parent_head: To the parent.
        child_next, child_head: From the parent's features to the child.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, precision: str) -> None:
        super().__init__(dtype=precision)
        self.config = config
        width = config.generator_width
        dtype = {"dtype": precision}
        self.background_stage = FirstStage(config, config.num_backgrounds, values, **dtype)
        self.background_head = Head(width, values, mask=False, **dtype)
        self.parent_stage = FirstStage(config, config.parents, values, **dtype)
        self.parent_next = NextStage(config, width, config.parents, values, **dtype)
        self.parent_head = Head(width // 2, values, mask=True, **dtype)
        self.child_next = NextStage(config, width // 2, config.children, values, **dtype)
        self.child_head = Head(width // 4, values, mask=True, **dtype)
        self.built = True

    def call(self, noise: tf.Tensor, codes: Codes, training: bool = False) -> Stages:
        """Makes the images of a batch.

        Args:
            noise: `[batch, noise_size]`, N(0, 1).
            codes: One row an image.
            training: Whether BatchNorm uses the batch's statistics.
        """
        features = self.background_stage(noise, codes.background, training=training)
        background, _ = self.background_head(features)
        features = self.parent_stage(noise, codes.parent, training=training)
        features = self.parent_next(features, codes.parent, training=training)
        parent_foreground, parent_mask = self.parent_head(features)
        features = self.child_next(features, codes.child, training=training)
        child_foreground, child_mask = self.child_head(features)
        parent_masked = parent_foreground * parent_mask
        child_masked = child_foreground * child_mask
        parent = parent_masked + background * (1.0 - parent_mask)
        return Stages(
            background=background,
            background_view=resized_to_corners(background, self.config.background_size),
            parent=parent,
            child=child_masked + parent * (1.0 - child_mask),
            parent_foreground=parent_foreground,
            parent_mask=parent_mask,
            parent_masked=parent_masked,
            child_foreground=child_foreground,
            child_mask=child_mask,
            child_masked=child_masked,
        )


def build_generator(
    config: NetworkConfig, seed: int | None = 0, precision: str = "float32"
) -> Generator:
    """A generator with its initial weights.

    Args:
        config: Its shape.
        seed: Determines every weight; None leaves them zero, to be filled.
        precision: Keras' dtype policy; variables are float32 under each.
    """
    values = InitialValues(None if seed is None else (seed, 0))
    return Generator(config, values, precision)


def resized_to_corners(images: tf.Tensor, size: int) -> tf.Tensor:
    """Bilinear resize that keeps the corner pixels (PyTorch's align_corners).

    Args:
        images: `[batch, side, side, channels]`.
        size: New side.

    Returns:
        `[batch, size, size, channels]`.
    """
    side = images.shape[1]
    places = np.arange(size) * (side - 1) / (size - 1)
    distances = np.abs(places[:, None] - np.arange(side)[None, :])
    weights = tf.constant(np.maximum(0.0, 1.0 - distances), images.dtype)
    rows = tf.einsum("ri,bijc->brjc", weights, images)
    return tf.einsum("sj,brjc->brsc", weights, rows)
