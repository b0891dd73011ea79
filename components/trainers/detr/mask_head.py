"""The mask head of panoptic segmentation (the authors' models/segmentation.py).

The authors run it for every query of every image. A query's mask depends on that query alone, so it
is run here for the queries asked for: those that training matched, those that an image keeps. And
the first convolution's share of what all queries of an image see is computed once an image.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.layers import Convolution, GroupNorm, Linear, widened
from components.trainers.detr.network_config import MASK_GROUPS, NetworkConfig
from components.trainers.detr.resizing import resize_nearest


class AttentionMaps(keras.layers.Layer):
    """Where each head of a query looks in the memory.

    Attributes:
        queries, keys: Linear layers.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        hidden, self._heads = config.hidden, config.heads
        zeros = np.zeros(hidden, np.float32)
        self.queries, self.keys = (
            Linear(values.xavier(hidden, hidden), zeros, **options) for _ in range(2)
        )
        self.built = True

    def call(
        self, states: tf.Tensor, images: tf.Tensor, memory: tf.Tensor, valid: tf.Tensor
    ) -> tf.Tensor:
        """Attention weights, which sum to 1 over heads, height and width together.

        Args:
            states: Of the queries, `[pairs, hidden]`.
            images: int32 `[pairs]`: the image of each.
            memory: `[batch, height, width, hidden]`.
            valid: bool `[batch, height, width]`.

        Returns:
            `[pairs, height, width, heads]`.
        """
        shape, heads, hidden = tf.shape(memory), self._heads, memory.shape[-1]
        size = hidden // heads
        queries = self.queries(states) * tf.constant(size**-0.5, states.dtype)
        queries = tf.reshape(queries, [-1, heads, size])
        tokens = tf.stack([shape[0], shape[1] * shape[2], heads, size])
        keys = tf.gather(tf.reshape(self.keys(memory), tokens), images)
        scores = widened(tf.einsum("pnc,ptnc->ptn", queries, keys))
        inside = tf.gather(tf.reshape(valid, tokens[:2]), images)[..., None]
        scores = tf.where(inside, scores, scores.dtype.min)
        weights = tf.nn.softmax(tf.reshape(scores, tf.stack([tf.shape(scores)[0], -1])))
        maps = tf.reshape(weights, tf.stack([tf.shape(scores)[0], shape[1], shape[2], heads]))
        return tf.cast(maps, memory.dtype)


class MaskHead(keras.layers.Layer):
    """From attention maps to masks, with the backbone's features at strides 16, 8 and 4.

    Attributes:
        attention: The attention maps.
        convolutions: Five of them, 3x3, each with a norm of `norms` and a ReLU behind it.
        adapters: Of the features at strides 16, 8 and 4, 1x1.
        output_convolution: The last one, to one channel.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        self._hidden = config.hidden
        self.attention = AttentionMaps(config, values, **options)
        channels = config.mask_channels

        def convolution(size: int, inputs: int, outputs: int) -> Convolution:
            kernel = values.kaiming((size, size, inputs, outputs))
            return Convolution(kernel, np.zeros(outputs, np.float32), **options)

        pairs = list(zip((channels[0], *channels), channels, strict=False))
        self.convolutions = [convolution(3, *pair) for pair in pairs]
        self.norms = [GroupNorm(outputs, MASK_GROUPS, **options) for outputs in channels]
        self.output_convolution = convolution(3, channels[-1], 1)
        features = config.segment_channels[2::-1]
        self.adapters = [
            convolution(1, *pair) for pair in zip(features, channels[1:4], strict=True)
        ]
        self.built = True

    def call(
        self,
        states: tf.Tensor,
        images: tf.Tensor,
        memory: tf.Tensor,
        valid: tf.Tensor,
        projected: tf.Tensor,
        features: list[tf.Tensor],
    ) -> tf.Tensor:
        """Masks of queries.

        Args:
            states: Of the queries, `[pairs, hidden]`.
            images: int32 `[pairs]`: the image of each.
            memory: `[batch, height, width, hidden]`.
            valid: bool `[batch, height, width]`.
            projected: Like `memory`: the encoder's input.
            features: Of the backbone at the strides 16, 8 and 4.

        Returns:
            float32 logits `[pairs, height, width]` at stride 4.
        """
        maps = self.attention(states, images, memory, valid)
        masks = self._activated(0, self._first(projected, maps, images))
        masks = self._activated(1, self.convolutions[1](masks))
        for number, (adapter, finer) in enumerate(zip(self.adapters, features, strict=True), 2):
            adapted = adapter(finer)
            masks = resize_nearest(masks, tf.unstack(tf.shape(adapted)[1:3]))
            masks = self._activated(
                number, self.convolutions[number](masks + tf.gather(adapted, images))
            )
        return tf.cast(self.output_convolution(masks), tf.float32)[..., 0]

    def _first(self, projected: tf.Tensor, maps: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
        """The first convolution, of the image's features joined with a query's maps."""
        kernel = tf.convert_to_tensor(self.convolutions[0].kernel)
        shared = tf.nn.conv2d(projected, kernel[:, :, : self._hidden], 1, "SAME")
        shared = tf.nn.bias_add(shared, tf.convert_to_tensor(self.convolutions[0].bias))
        own = tf.nn.conv2d(maps, kernel[:, :, self._hidden :], 1, "SAME")
        return own + tf.gather(shared, images)

    def _activated(self, number: int, features: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(self.norms[number](features))
