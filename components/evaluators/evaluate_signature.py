"""What a signal model's `evaluate` signature gives, and how a metric reads one record of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError

EVALUATE_SIGNATURE = "evaluate"
PREDICTION = "prediction"
TARGET = "target"
SHAPE = "shape"


def read_signal(outputs: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Prediction and target of one record, without the batch's padding.

    Args:
        outputs: `prediction` and `target` float `[padded length]` in [-1, 1], row by row, and
            `shape` int64 `[3]` = (height, width, channels), or (samples, 1, 1).

    Returns:
        Prediction and target, `[height, width, channels]`.

    Raises:
        DataError: If an output is absent or shorter than the shape says.
    """
    if not isinstance(outputs, Mapping) or not {PREDICTION, TARGET, SHAPE} <= outputs.keys():
        found = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise DataError(
            f"the model's `{EVALUATE_SIGNATURE}` signature lacks an output",
            found=found,
            expected=f"{PREDICTION}, {TARGET}, {SHAPE}",
            fix="export the model with Papergarden's trainer",
        )
    shape = tuple(int(size) for size in np.ravel(outputs[SHAPE]))
    return _unpadded(outputs, PREDICTION, shape), _unpadded(outputs, TARGET, shape)


def _unpadded(outputs: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    values = np.ravel(np.asarray(outputs[name]))
    length = math.prod(shape)
    if len(shape) != 3 or min(shape) < 1 or values.size < length:
        raise DataError(
            f"the output `{name}` of the `{EVALUATE_SIGNATURE}` signature does not fit its shape",
            found=f"{values.size} values for shape {shape}",
            expected="at least height x width x channels values, every size 1 or more",
        )
    return values[:length].reshape(shape)
