"""The running average of the generator's parameters, which is what is shown and served.

The authors average parameters alone: BatchNorm's running statistics are the current generator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from components.trainers.finegan.generator import Generator, build_generator


def build_average(generator: Generator, precision: str) -> Generator:
    """A second generator with the parameters of the first."""
    average = build_generator(generator.config, None, precision)
    for variable, start in zip(average.variables, generator.variables, strict=True):
        variable.assign(tf.convert_to_tensor(start.value))
    return average


def move_average(
    average: Generator, generator: Generator, decay: float, restart: tf.Tensor | None = None
) -> None:
    """average = decay * average + (1 - decay) * parameter; in replica context.

    Args:
        average: From `build_average`.
        generator: The trained one, after its update.
        decay: Of the average.
        restart: Scalar bool: whether the generator goes on from the average. None: never.
    """
    averages, parameters = (_values(model.trainable_variables) for model in (average, generator))

    def update(copy: tf.Variable, parameter: tf.Variable) -> None:
        # Like the optimizers' kernels, one pass over the memory.
        tf.raw_ops.ResourceApplyGradientDescent(
            var=copy.handle,
            alpha=tf.constant(1.0 - decay, copy.dtype),
            delta=copy - parameter,
        )
        if restart is not None:
            tf.cond(restart, lambda: parameter.assign(copy).op, tf.no_op)

    def on_all_replicas(strategy: tf.distribute.Strategy, pairs: Any) -> None:
        for copy, parameter in pairs:
            strategy.extended.update(copy, update, args=(parameter,), group=False)

    pairs = list(zip(averages, parameters, strict=True))
    tf.distribute.get_replica_context().merge_call(on_all_replicas, args=(pairs,))


def copy_statistics(average: Generator, generator: Generator) -> None:
    """Gives the average the generator's running statistics."""
    pairs = zip(average.non_trainable_variables, generator.non_trainable_variables, strict=True)
    for copy, statistic in pairs:
        copy.assign(tf.convert_to_tensor(statistic.value))


def _values(variables: Sequence[keras.Variable]) -> list[Any]:
    return [variable.value for variable in variables]
