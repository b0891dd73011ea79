"""A paper's task in the shared loop, in a process of its own, that can go on from a checkpoint.

`resumed_task.py TINY_MODULE FOLDER OPTIONS` trains the task that the module's `make_task` makes.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

TRAINING = {
    "seed": 3,
    "learning_rate": 2e-3,
    "checkpoint_every_steps": 4,
    "summary_every_steps": 2,
    "steps": 6,
}


def assert_resumes_exactly(
    tiny_module: Path,
    folder: Path,
    project_dir: Path,
    *,
    fewest_arrays: int,
    training: dict[str, Any] | None = None,
    **make_options: Any,
) -> None:
    """Trains six updates, and once more from the checkpoint of the fourth: to the same bits.

    Args:
        tiny_module: Python file with `make_task` and `values`.
        folder: For checkpoints and weights.
        project_dir: To run in.
        fewest_arrays: As many arrays the checkpoint holds at least.
        training: Beside `TRAINING`.
        **make_options: Of `make_task`, beside those of the training.
    """
    options = json.dumps([{**TRAINING, **(training or {})}, make_options])
    outcomes = []
    for _ in range(2):
        finished = subprocess.run(
            [sys.executable, __file__, str(tiny_module), str(folder), options],
            cwd=project_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr[-3000:]
        with np.load(folder / "weights.npz") as archive:
            weights = [archive[name] for name in archive.files]
        outcomes.append((*json.loads((folder / "report.json").read_text()), weights))
        # The second process finds what a killed one would have left.
        shutil.rmtree(folder / "checkpoints" / "step-00000006")
    straight, resumed = outcomes
    assert (straight[0], resumed[0]) == (0, 4)
    assert straight[1] == resumed[1]
    assert len(straight[2]) > fewest_arrays
    for own, reference in zip(resumed[2], straight[2], strict=True):
        np.testing.assert_array_equal(own, reference)


def main() -> None:
    """Trains, and writes all weights and the history."""
    tiny_module, folder = Path(sys.argv[1]), Path(sys.argv[2])
    training, make_options = json.loads(sys.argv[3])
    sys.path[:0] = [str(Path.cwd()), str(tiny_module.parent)]
    from components.trainers.training_config import TrainingConfig
    from components.trainers.training_loop import run_training

    tiny = importlib.import_module(tiny_module.stem)
    result = run_training(
        lambda: tiny.make_task(**make_options, **training),
        TrainingConfig(**training),
        folder / "checkpoints",
        folder / "logs",
        identity="same",
    )
    items = result.task.checkpoint_items.values()
    arrays = [value for item in items for value in tiny.values(item.variables)]
    np.savez(folder / "weights.npz", *arrays)
    (folder / "report.json").write_text(json.dumps([result.resumed_from, result.history]))


if __name__ == "__main__":
    main()
