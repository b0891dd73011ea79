"""The losses of masks (the authors' models/segmentation.py)."""

from __future__ import annotations

import tensorflow as tf

from components.trainers.detr.resizing import resize_bilinear

ALPHA = 0.25


def mask_losses(
    logits: tf.Tensor, masks: tf.Tensor, kept: tf.Tensor, num_objects: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Focal and dice loss of matched queries.

    Args:
        logits: `[pairs, height / 4, width / 4]`, of the padded images.
        masks: uint8 `[pairs, height, width]`: the objects', 0 on padding.
        kept: float32 `[pairs]`: 1, or 0 for pairs that do not count.
        num_objects: Of the whole batch, at least 1.

    Returns:
        `loss_mask` and `loss_dice`, not yet weighted.
    """
    resized = resize_bilinear(logits[..., None], tf.unstack(tf.shape(masks)[1:]))
    rows = tf.stack([tf.shape(logits)[0], -1])
    flat, wanted = tf.reshape(resized, rows), tf.cast(tf.reshape(masks, rows), tf.float32)
    return {
        "loss_mask": tf.reduce_sum(kept * focal_loss(flat, wanted)) / num_objects,
        "loss_dice": tf.reduce_sum(kept * dice_loss(flat, wanted)) / num_objects,
    }


def focal_loss(logits: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Sigmoid focal loss with alpha 0.25 and gamma 2, the mean over pixels.

    Args:
        logits: `[pairs, pixels]`.
        wanted: The same, 0 or 1.

    Returns:
        `[pairs]`.
    """
    probability = tf.sigmoid(logits)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits)
    missed = probability * (1.0 - wanted) + (1.0 - probability) * wanted
    alpha = ALPHA * wanted + (1.0 - ALPHA) * (1.0 - wanted)
    return tf.reduce_mean(alpha * entropy * tf.square(missed), 1)


def dice_loss(logits: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """1 minus the dice coefficient, whose sums are 1 larger each.

    Args:
        logits: `[pairs, pixels]`.
        wanted: The same, 0 or 1.

    Returns:
        `[pairs]`.
    """
    probability = tf.sigmoid(logits)
    both = 2.0 * tf.reduce_sum(probability * wanted, 1)
    either = tf.reduce_sum(probability, 1) + tf.reduce_sum(wanted, 1)
    return 1.0 - (both + 1.0) / (either + 1.0)
