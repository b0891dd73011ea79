"""Multi-head attention as in torch.nn.MultiheadAttention, batch first."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainers.detr.dropout import Dropout
from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.layers import affine, weight, widened
from components.trainers.detr.network_config import NetworkConfig


class MultiHeadAttention(keras.layers.Layer):
    """Queries look at keys and gather values; the three projections are one matrix.

    Args:
        config: The network's.
        values: Draws the matrices.

    Attributes:
        input_kernel, input_bias: `[hidden, 3 hidden]` and `[3 hidden]`: of queries, keys, values.
        output_kernel, output_bias: Of what the heads have gathered.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        hidden = self._hidden = config.hidden
        self._heads = config.heads
        zeros = np.zeros(3 * hidden, np.float32)
        self.input_kernel = weight(self, "input_kernel", values.xavier(hidden, 3 * hidden))
        self.input_bias = weight(self, "input_bias", zeros)
        self.output_kernel = weight(self, "output_kernel", values.xavier(hidden, hidden))
        self.output_bias = weight(self, "output_bias", zeros[:hidden])
        self.built = True

    def call(
        self,
        queries: tf.Tensor,
        values: tf.Tensor,
        keys: tf.Tensor | None = None,
        valid: tf.Tensor | None = None,
        *,
        dropout: Dropout,
    ) -> tf.Tensor:
        """Attends.

        Args:
            queries: `[batch, queries, hidden]`.
            values: `[batch, keys, hidden]`.
            keys: `[batch, keys, hidden]`; None takes the queries (self-attention).
            valid: bool `[batch, keys]`: which keys are not padding; None: all are.
            dropout: Of the attention weights.

        Returns:
            `[batch, queries, hidden]`.
        """
        if keys is None:
            of_both, of_value = self._projections(2, 1)
            query, key = tf.split(affine(queries, *of_both), 2, -1)
        else:
            of_query, of_key, of_value = self._projections(1, 1, 1)
            query, key = affine(queries, *of_query), affine(keys, *of_key)
        value = affine(values, *of_value)
        weights = dropout(self._weights(query, key, valid))
        gathered = tf.transpose(tf.matmul(weights, self._by_head(value)), [0, 2, 1, 3])
        joined = tf.reshape(gathered, tf.shape(query))
        return affine(
            joined,
            tf.convert_to_tensor(self.output_kernel),
            tf.convert_to_tensor(self.output_bias),
        )

    def attention_weights(
        self, queries: tf.Tensor, keys: tf.Tensor, valid: tf.Tensor | None
    ) -> tf.Tensor:
        """What the queries look at, `[batch, heads, queries, keys]`; they sum to 1 over the keys.

        Args:
            queries: `[batch, queries, hidden]`.
            keys: `[batch, keys, hidden]`.
            valid: bool `[batch, keys]`, or None.
        """
        of_query, of_key, _ = self._projections(1, 1, 1)
        return self._weights(affine(queries, *of_query), affine(keys, *of_key), valid)

    def _weights(self, query: tf.Tensor, key: tf.Tensor, valid: tf.Tensor | None) -> tf.Tensor:
        query = query * tf.constant((self._hidden / self._heads) ** -0.5, query.dtype)
        scores = tf.matmul(self._by_head(query), self._by_head(key), transpose_b=True)
        exact = widened(scores)
        if valid is not None:
            exact = tf.where(valid[:, None, None], exact, exact.dtype.min)
        return tf.cast(tf.nn.softmax(exact), scores.dtype)

    def _projections(self, *shares: int) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """The input's kernel and bias in parts, each of so many times `hidden` columns.

        Split, not sliced: a slice's gradient is as large as the whole.
        """
        sizes = [share * self._hidden for share in shares]
        kernels = tf.split(tf.convert_to_tensor(self.input_kernel), sizes, 1)
        return list(
            zip(kernels, tf.split(tf.convert_to_tensor(self.input_bias), sizes), strict=True)
        )

    def _by_head(self, features: tf.Tensor) -> tf.Tensor:
        """`[batch, tokens, hidden]` -> `[batch, heads, tokens, hidden / heads]`."""
        shape = tf.shape(features)
        parts = tf.stack([shape[0], shape[1], self._heads, self._hidden // self._heads])
        return tf.transpose(tf.reshape(features, parts), [0, 2, 1, 3])
