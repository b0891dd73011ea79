"""Stops training at the first loss or variable that is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from components.errors import TrainingError

_FIX = "lower training.learning_rate, set training.clip_norm, or use float32 precision"


class NanGuard:
    """Collects the losses of every step and looks at them all at once.

    Reading a number makes the host wait for the device, so the steps are only noted; `check` waits
    once for all that were noted since the last time, and still names the exact step.
    """

    def __init__(self) -> None:
        self._unchecked: list[tuple[int, Mapping[str, tf.Tensor]]] = []

    def note(self, step: int, terms: Mapping[str, tf.Tensor]) -> None:
        """Remembers the float32 scalar loss terms of the update of `step`."""
        self._unchecked.append((step, terms))

    def check(self) -> dict[str, float]:
        """The losses of the newest step noted; empty if none was noted since the last check.

        Raises:
            TrainingError: A term was not finite; names the first such step and term.
        """
        if not self._unchecked:
            return {}
        names = list(self._unchecked[0][1])
        rows = tf.stack([[terms[name] for name in names] for _, terms in self._unchecked]).numpy()
        steps = [step for step, _ in self._unchecked]
        self._unchecked.clear()
        for step, row in zip(steps, rows.tolist(), strict=True):
            losses = dict(zip(names, row, strict=True))
            broken = [name for name, value in losses.items() if not math.isfinite(value)]
            if broken:
                # The total is broken whenever a term is: name the cause where there is one.
                name = next((name for name in broken if name != "loss"), "loss")
                raise TrainingError(
                    f"the loss term {name!r} is {losses[name]} in step {step}",
                    found=losses,
                    expected="finite losses",
                    fix=f"{_FIX}; the last good checkpoint is kept",
                )
        return losses


def check_variables(step: int, variables: Iterable[Any]) -> None:
    """Refuses a state that must not be saved.

    A loss shows a broken update only one step later, when the checkpoint would already be written.

    Args:
        step: Updates made so far.
        variables: Keras or TensorFlow variables.

    Raises:
        TrainingError: A floating-point variable holds NaN or infinity.
    """
    for variable in variables:
        if not tf.as_dtype(variable.dtype).is_floating:
            continue
        if not bool(tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(variable)))):
            raise TrainingError(
                f"the variable {getattr(variable, 'path', variable.name)!r} is not finite "
                f"after {step} steps",
                expected="finite variables",
                fix=f"{_FIX}; the last good checkpoint is kept",
            )
