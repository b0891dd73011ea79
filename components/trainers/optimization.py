"""What stands between gradients and an update: loss scaling and clipping, on one replica or many.

Three facts about Keras 3 on TensorFlow make this a file of its own. `apply_gradients`, called in a
replica, adds up the gradients of all replicas, so nobody else may. But Keras clips before that sum
(`global_clipnorm`), each replica by its own norm, so clipping is done here. And
`LossScaleOptimizer` asks the first replica alone whether the gradients are finite, so they are
summed before it looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

Optimizer: TypeAlias = keras.optimizers.Optimizer


def prepare_optimizer(optimizer: Optimizer, variables: Sequence[Any], precision: str) -> Optimizer:
    """Builds an optimizer, with dynamic loss scaling where float16 needs it.

    bfloat16 has the exponents of float32: small gradients do not vanish, and nothing is scaled.

    Args:
        optimizer: A Keras optimizer without clipping of its own.
        variables: What it will update; its own variables are made now, so that checkpoints fill
            them.
        precision: `training.precision`.
    """
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(list(variables))
    return optimizer


def scale_loss(optimizer: Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """The loss to differentiate: times the optimizer's loss scale, if it has one."""
    return tf.cast(loss, tf.float32) * _loss_scale(optimizer)


def apply_gradients(
    optimizer: Optimizer,
    gradients: Sequence[tf.Tensor | None],
    variables: Sequence[Any],
    *,
    clip_norm: float | None = None,
) -> None:
    """One update, in replica context.

    Args:
        optimizer: From `prepare_optimizer`.
        gradients: This replica's gradients of the scaled loss; their sum over replicas is applied.
        variables: As many variables.
        clip_norm: Largest global norm of the summed, unscaled gradients; None leaves them as they
            are.
    """
    present = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    sums = [gradient for gradient, _ in present]
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    sum_here = replicas > 1 and (scales or clip_norm is not None)
    if sum_here:
        sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums)
    if clip_norm is not None:
        sums = _clipped(sums, clip_norm, _loss_scale(optimizer))
    if sum_here:
        # apply_gradients adds the replicas' now equal gradients up once more.
        sums = [gradient / replicas for gradient in sums]
    optimizer.apply_gradients(zip(sums, [variable for _, variable in present], strict=True))


def _clipped(
    gradients: Sequence[tf.Tensor], clip_norm: float, loss_scale: tf.Tensor
) -> list[tf.Tensor]:
    """As PyTorch's `clip_grad_norm_`, which adds 1e-6 to the norm."""
    norm = tf.linalg.global_norm(gradients) / loss_scale
    factor = tf.minimum(clip_norm / (norm + 1e-6), 1.0)
    # An infinite norm would make zeros of the finite gradients, and hide what happened.
    factor += norm - norm
    return [
        tf.convert_to_tensor(gradient) * tf.cast(factor, gradient.dtype) for gradient in gradients
    ]


def _loss_scale(optimizer: Optimizer) -> tf.Tensor:
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.convert_to_tensor(optimizer.dynamic_scale)
    return tf.constant(1.0)
