"""Gradients of a batch, computed part by part to fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from components.errors import ConfigError
from components.trainers.optimization import Optimizer, scale_loss

Losses = Mapping[str, tf.Tensor]


def accumulated_gradients(
    loss_fn: Callable[[Any], Losses],
    batch: Any,
    variables: Sequence[Any],
    optimizer: Optimizer,
    *,
    parts: int = 1,
) -> tuple[list[tf.Tensor | None], Losses]:
    """Adds up gradients and losses over equal parts of a batch, one part at a time.

    Call it in `Task.train_step`, and hand the gradients to `optimization.apply_gradients`.

    Args:
        loss_fn: Part of a batch -> named scalar loss terms, `loss` the total, each scaled so that
            the *sum* over parts (and replicas) is the global value: divide by the global batch
            size.
        batch: This replica's batch; every tensor in it has the batch in dimension 0.
        variables: What to differentiate the total by.
        optimizer: The one that the gradients are for: its loss scale is multiplied in.
        parts: Number of equal parts (`training.accumulation_steps`).

    Returns:
        The gradients, None where the loss does not depend on a variable; and the loss terms,
        unscaled.

    Raises:
        ConfigError: The batch cannot be cut into that many equal parts.
    """
    gradients: list[tf.Tensor | None] = [None] * len(variables)
    losses: dict[str, tf.Tensor] = {}
    for index in range(parts):
        # Without an order TensorFlow computes all parts at once, and needs the memory of all of
        # them.
        with tf.control_dependencies([*filter(_is_tensor, gradients)]):
            part = tf.nest.map_structure(lambda t, i=index: _cut(t, i, parts), batch)
        with tf.GradientTape() as tape:
            terms = loss_fn(part)
            total = scale_loss(optimizer, terms["loss"])
        new = tape.gradient(total, list(variables))
        gradients = [_add(*pair) for pair in zip(gradients, new, strict=True)]
        losses = {name: _add(losses.get(name), value) for name, value in terms.items()}
    return gradients, losses


def _cut(tensor: tf.Tensor, index: int, parts: int) -> tf.Tensor:
    if parts == 1:
        return tensor
    rows = tensor.shape[0]
    if rows is None:
        rows = tf.shape(tensor)[0]
        tf.debugging.assert_equal(rows % parts, 0, "training.accumulation_steps divides no batch")
    elif rows % parts:
        raise ConfigError(
            "training.accumulation_steps does not divide the batch of a replica",
            found=f"{rows} rows in {parts} parts",
            expected="a divisor of the number of rows",
        )
    size = rows // parts
    return tf.identity(tensor[index * size : (index + 1) * size])


def _add(sum_so_far: tf.Tensor | None, value: tf.Tensor | None) -> tf.Tensor | None:
    if sum_so_far is None or value is None:
        return value if sum_so_far is None else sum_so_far
    # Gradients of embeddings are IndexedSlices, which cannot be added as they are.
    return tf.convert_to_tensor(sum_so_far) + tf.convert_to_tensor(value)


def _is_tensor(value: tf.Tensor | None) -> bool:
    return value is not None
