"""The losses' parts. Each gives this replica's share: the shares of all replicas add up to a mean.

Probabilities are never made: the discriminators give logits. The authors' `BCELoss` of a sigmoid
differs only where the sigmoid rounds to 0 or 1: it then clips the loss at 100 and has no gradient.
"""

from __future__ import annotations

import tensorflow as tf


def real_loss(logits: tf.Tensor, target: float, batch_size: tf.Tensor | int) -> tf.Tensor:
    """Binary cross-entropy with one target for all logits, the mean of them all.

    Args:
        logits: `[images]` or `[images, patches, patches]`.
        target: 1 for real (or background), 0 for made.
        batch_size: Images of all replicas.
    """
    targets = tf.fill(tf.shape(logits), tf.constant(target, logits.dtype))
    return classification_loss(logits, targets, batch_size)


def classification_loss(
    logits: tf.Tensor, targets: tf.Tensor, batch_size: tf.Tensor | int
) -> tf.Tensor:
    """Binary cross-entropy, the mean over all logits.

    Args:
        logits: `[images]` or `[images, patches, patches]`.
        targets: In [0, 1], of the same shape.
        batch_size: Images of all replicas.
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    per_image = losses.shape[1:].num_elements()
    return tf.reduce_sum(losses) / (tf.cast(batch_size, tf.float32) * per_image)


def kept_loss(logits: tf.Tensor, weights: tf.Tensor, num_kept: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy with the target real, the mean over the kept patches; 0 without any.

    Args:
        logits: `[images, patches, patches]`.
        weights: 1 where a patch is kept, else 0; of the same shape.
        num_kept: Patches kept on all replicas.
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(logits), logits)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), num_kept)


def information_loss(logits: tf.Tensor, codes: tf.Tensor, batch_size: tf.Tensor | int) -> tf.Tensor:
    """Cross-entropy between a code and what a discriminator reads out of the image, the mean.

    Args:
        logits: `[images, classes]`.
        codes: One-hot, of the same shape.
        batch_size: Images of all replicas.
    """
    losses = tf.nn.softmax_cross_entropy_with_logits(codes, logits)
    return tf.reduce_sum(losses) / tf.cast(batch_size, tf.float32)


def code_accuracy(logits: tf.Tensor, codes: tf.Tensor, batch_size: tf.Tensor | int) -> tf.Tensor:
    """The share of images whose code is the one read out of it, in [0, 1]."""
    right = tf.equal(tf.argmax(logits, axis=-1), tf.argmax(codes, axis=-1))
    return tf.reduce_sum(tf.cast(right, tf.float32)) / tf.cast(batch_size, tf.float32)
