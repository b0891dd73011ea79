"""The curves of a training run, as the Trainer wrote them into `history.json`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HISTORY_FILE = "history.json"
TRAINING_FILE = "training.json"


@dataclass(frozen=True)
class History:
    """Curves by name.

    Attributes:
        curves: name -> (steps, values); a value that is no finite number is NaN.
        facts: What `training.json` says: speed, versions, hardware. Empty without it.
    """

    curves: Mapping[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def num_steps(self) -> int:
        """The last step of any curve; 0 without curves."""
        return max((steps[-1] for steps, _ in self.curves.values()), default=0)


def read_history(model_run_dir: str) -> History:
    """Reads the curves and facts of a ModelRun; what is absent or damaged is left out.

    The report of a model matters more than its curves, so a missing file is no error.
    """
    rows = _read_json(os.path.join(model_run_dir, HISTORY_FILE))
    facts = _read_json(os.path.join(model_run_dir, TRAINING_FILE))
    return History(
        curves=parse_curves(rows if isinstance(rows, list) else []),
        facts=facts if isinstance(facts, dict) else {},
    )


def parse_curves(rows: list[Any]) -> dict[str, tuple[list[int], list[float]]]:
    """Turns rows of `{"step": 25, "psnr": 21.3, …}` into curves.

    Scalars may also stand in a mapping of their own, `{"step": 25, "scalars": {…}}`.
    """
    curves: dict[str, tuple[list[int], list[float]]] = {}
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("step"), int):
            continue
        scalars = row.get("scalars", row)
        for name, value in scalars.items() if isinstance(scalars, Mapping) else ():
            number = _number(value)
            if name != "step" and number is not None:
                steps, values = curves.setdefault(str(name), ([], []))
                steps.append(row["step"])
                values.append(number)
    return curves


def _number(value: Any) -> float | None:
    """Returns a finite number, NaN for one that is not finite, None for what is no number."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else math.nan


def _read_json(path: str) -> Any:
    try:
        return json.loads(_read_text(path))
    except (OSError, ValueError):
        return None


def _read_text(path: str) -> str:
    if "://" not in path:
        return Path(path).read_text(encoding="utf-8")
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path) as file:
            return str(file.read())
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
