"""The transformer, post-norm (the authors' models/transformer.py).

Positions are added to queries and keys of every attention, and never to values. The decoder starts
from zeros; its norm is applied to the output of each of its layers.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components.trainers.detr.attention import MultiHeadAttention
from components.trainers.detr.dropout import Dropout
from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.layers import LayerNorm, Linear
from components.trainers.detr.network_config import NetworkConfig


class FeedForward(keras.layers.Layer):
    """Two linear layers with a ReLU between them."""

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        narrow, wide = config.hidden, config.feed_forward
        self.first, self.second = (
            Linear(values.xavier(inputs, outputs), values.default((outputs,), inputs), **options)
            for inputs, outputs in ((narrow, wide), (wide, narrow))
        )
        self.built = True

    def call(self, features: tf.Tensor, *, dropout: Dropout) -> tf.Tensor:
        """`[batch, tokens, hidden]`, as before."""
        return self.second(dropout(tf.nn.relu(self.first(features))))


class EncoderLayer(keras.layers.Layer):
    """Self-attention and feed-forward layer, each added to its input and normalised."""

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        self.attention = MultiHeadAttention(config, values, **options)
        self.feed_forward = FeedForward(config, values, **options)
        self.norms = [LayerNorm(config.hidden, **options) for _ in range(2)]
        self.built = True

    def call(
        self, features: tf.Tensor, positions: tf.Tensor, valid: tf.Tensor, *, dropout: Dropout
    ) -> tf.Tensor:
        """`[batch, tokens, hidden]`, as before."""
        gathered = self.attention(features + positions, features, valid=valid, dropout=dropout)
        features = self.norms[0](features + dropout(gathered))
        return self.norms[1](features + dropout(self.feed_forward(features, dropout=dropout)))


class DecoderLayer(keras.layers.Layer):
    """Attention among the queries, then to the memory, then a feed-forward layer."""

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        self.self_attention = MultiHeadAttention(config, values, **options)
        self.cross_attention = MultiHeadAttention(config, values, **options)
        self.feed_forward = FeedForward(config, values, **options)
        self.norms = [LayerNorm(config.hidden, **options) for _ in range(3)]
        self.built = True

    def call(
        self,
        states: tf.Tensor,
        queries: tf.Tensor,
        memory: tf.Tensor,
        placed_memory: tf.Tensor,
        valid: tf.Tensor,
        *,
        dropout: Dropout,
    ) -> tf.Tensor:
        """One layer.

        Args:
            states: `[batch, queries, hidden]`.
            queries: Their embedding, `[1, queries, hidden]`.
            memory: The encoder's output, `[batch, tokens, hidden]`.
            placed_memory: The same with positions.
            valid: bool `[batch, tokens]`.
            dropout: Of this pass.

        Returns:
            `[batch, queries, hidden]`.
        """
        states = self.among_queries(states, queries, dropout)
        gathered = self.cross_attention(
            states + queries, memory, placed_memory, valid, dropout=dropout
        )
        states = self.norms[1](states + dropout(gathered))
        return self.norms[2](states + dropout(self.feed_forward(states, dropout=dropout)))

    def among_queries(self, states: tf.Tensor, queries: tf.Tensor, dropout: Dropout) -> tf.Tensor:
        """The first part of the layer; see `call`."""
        gathered = self.self_attention(states + queries, states, dropout=dropout)
        return self.norms[0](states + dropout(gathered))


class Transformer(keras.layers.Layer):
    """Encoder and decoder.

    Args:
        config: The network's.
        values: Draws the matrices.

    Attributes:
        encoder, decoder: Their layers.
        decoder_norm: Of every decoder layer's output.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        self.encoder = [
            EncoderLayer(config, values, **options) for _ in range(config.encoder_layers)
        ]
        self.decoder = [
            DecoderLayer(config, values, **options) for _ in range(config.decoder_layers)
        ]
        self.decoder_norm = LayerNorm(config.hidden, **options)
        self.built = True

    def encode(
        self, features: tf.Tensor, positions: tf.Tensor, valid: tf.Tensor, dropout: Dropout
    ) -> tf.Tensor:
        """The memory.

        Args:
            features: `[batch, tokens, hidden]`.
            positions: The same.
            valid: bool `[batch, tokens]`, False on padding.
            dropout: Of this pass.

        Returns:
            `[batch, tokens, hidden]`.
        """
        for layer in self.encoder:
            features = layer(features, positions, valid, dropout=dropout)
        return features

    def decode(
        self,
        queries: tf.Tensor,
        memory: tf.Tensor,
        positions: tf.Tensor,
        valid: tf.Tensor,
        dropout: Dropout,
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """The states of the queries.

        Args:
            queries: `[queries, hidden]`.
            memory: `[batch, tokens, hidden]`.
            positions: The same.
            valid: bool `[batch, tokens]`.
            dropout: Of this pass.

        Returns:
            Those after every decoder layer, normed, and those that enter the last one; each
            `[batch, queries, hidden]`.
        """
        queries, placed_memory = queries[None], memory + positions
        shape = tf.concat([tf.shape(memory)[:1], tf.shape(queries)[1:]], 0)
        states = tf.zeros(shape, queries.dtype)
        states.set_shape([memory.shape[0], *queries.shape[1:]])
        outputs, entering = [], states
        for layer in self.decoder:
            entering = states
            states = layer(states, queries, memory, placed_memory, valid, dropout=dropout)
            outputs.append(self.decoder_norm(states))
        return outputs, entering

    def last_attention(
        self,
        entering: tf.Tensor,
        queries: tf.Tensor,
        memory: tf.Tensor,
        positions: tf.Tensor,
        valid: tf.Tensor,
    ) -> tf.Tensor:
        """Where the last decoder layer's queries look, `[batch, heads, queries, tokens]`.

        Args:
            entering: The states that enter that layer.
            queries: `[queries, hidden]`.
            memory: `[batch, tokens, hidden]`.
            positions: The same.
            valid: bool `[batch, tokens]`.
        """
        layer = self.decoder[-1]
        states = layer.among_queries(entering, queries[None], Dropout(0.0, None)) + queries[None]
        return layer.cross_attention.attention_weights(states, memory + positions, valid)
