"""A task that a cluster stops in the middle of training, and starts again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from compiled_run import CompiledTask, read_tasks

from components.lineage.metadata_uri import connect, sqlite_uri

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

RUN_ID = "8c1f"
STEPS = 600
BEFORE_TRAINING = (
    "prepare",
    "schema",
    "examplegen",
    "statisticsgen",
    "examplevalidator",
    "transform",
)

RunTask = Callable[..., tuple[int, str]]


@pytest.fixture
def tasks(tmp_path: Path, project_dir: Path) -> dict[str, CompiledTask]:
    root = tmp_path / "runs"
    store = {"uri": sqlite_uri(root / "metadata.sqlite"), "user": "", "password": ""}
    overrides = [f"training.steps={STEPS}", "checkpoint_every_steps=50"]
    found = read_tasks(
        project_dir / "kfp" / "compiled" / "siren_pipeline.yaml",
        RUN_ID,
        {"preset": "smoke", "root": str(root), "overrides": json.dumps(overrides)},
        {"papergarden-metadata": store},
    )
    return {task.name: task for task in found}


@pytest.fixture
def run_task(tmp_path: Path) -> RunTask:
    """Runs a task; gives its exit code and all that it printed."""
    pytest.importorskip("tfx", reason="needs the `pipelines` extra")
    from forked_task import ForkedTask

    def run(task: CompiledTask, stop_at: int | None = None) -> tuple[int, str]:
        log = tmp_path / f"{task.name}.log"
        log.unlink(missing_ok=True)
        return ForkedTask(task, log, stop_at).wait(), log.read_text()

    return run


def test_training_that_is_stopped_saves_itself_and_goes_on_in_the_next_try(
    tasks: dict[str, CompiledTask], run_task: RunTask, tmp_path: Path
) -> None:
    for name in BEFORE_TRAINING:
        code, log = run_task(tasks[name])
        assert code == 0, log
    root = tmp_path / "runs"

    code, log = run_task(tasks["trainer"], stop_at=STEPS // 2)
    assert code == 75, log
    assert list(root.glob("checkpoints/*/step-*"))
    [stopped] = _executions(root)
    assert not list(root.glob("artifacts/*/Trainer/model/*/*"))

    code, log = run_task(tasks["trainer"])
    assert code == 0, log
    [resumed] = _executions(root)
    assert resumed.id == stopped.id
    assert resumed.last_known_state == resumed.COMPLETE
    [facts] = root.glob("artifacts/*/Trainer/model_run/*/training.json")
    assert json.loads(facts.read_text())["resumed_from"] >= STEPS // 2

    code, log = run_task(tasks["trainer"])
    assert code == 0, log
    assert "node      Trainer: executed" in log
    assert [one.id for one in _executions(root)] == [stopped.id]


def _executions(root: Path) -> list:  # type: ignore[type-arg]
    """The Trainer's executions."""
    store = connect(sqlite_uri(root / "metadata.sqlite"), read_only=True)
    return [one for one in store.get_executions() if one.type.endswith("trainer.component.Trainer")]
