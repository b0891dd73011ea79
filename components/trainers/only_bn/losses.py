"""The loss: cross-entropy, nothing else (no smoothing; L2 is the optimizer's)."""

from __future__ import annotations

import tensorflow as tf


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor, batch_size: tf.Tensor | int) -> tf.Tensor:
    """Sum over these images, divided by the whole batch's size.

    Args:
        logits: `[images, classes]`.
        labels: `[images]`, integers.
        batch_size: Images of the step on all replicas: their losses add up to the mean.
    """
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.cast(logits, tf.float32))
    return tf.reduce_sum(each) / tf.cast(batch_size, tf.float32)
