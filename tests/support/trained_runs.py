"""What a run's Trainer leaves behind, also when it is killed on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def model_run(outcome: dict[str, Any], name: str) -> Any:
    """A file that the Trainer left beside the model."""
    return json.loads((Path(outcome["paths"]["tensorboard"]) / name).read_text())


def kill_and_go_on(
    run: Callable[..., Any], root: Path, undisturbed: dict[str, Any], *, step: int, saved: int
) -> None:
    """A training killed at a step must go on, and end with the curves of an undisturbed one.

    Args:
        run: Runs the pipeline in a root.
        root: Of the killed run.
        undisturbed: Outcome of a run that nothing happened to.
        step: Where the kill comes.
        saved: Step of the last checkpoint before it.
    """
    from forked_run import Fault

    killed = run(root, fault=Fault("Trainer", "SIGKILL", step=step))
    assert killed.exit_code != 0
    finished = run(root)
    assert finished.exit_code == 0, finished.error
    assert model_run(finished.outcome, "training.json")["resumed_from"] == saved
    assert model_run(finished.outcome, "history.json") == model_run(undisturbed, "history.json")
