"""The Trainer of a compiled run, trained by the two workers of a training job.

Kubeflow Pipelines' own task of the node runs at the same time and waits for the job.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compiled_run import CompiledTask, ProcessRun, read_tasks
from loopback_workers import worker_environments

from components.lineage.metadata_uri import connect, sqlite_uri

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

PIPELINE = "siren_pipeline"
TRAINER = "trainer"
# The sums of two halves of a batch are not added up in the order of one.
TOLERANCE = 1e-3


def tasks_up_to_trainer(
    project_dir: Path, root: Path, run_id: str, overrides: str = "[]"
) -> list[CompiledTask]:
    """The Trainer's task of a run, and those that it waits for."""
    tasks = read_tasks(
        project_dir / "kfp" / "compiled" / f"{PIPELINE}.yaml",
        run_id,
        {"preset": "smoke", "root": str(root), "overrides": overrides},
        {"papergarden-metadata": {"uri": store_uri(root), "user": "", "password": ""}},
    )
    after = {task.name: task.after for task in tasks}
    wanted = [TRAINER]
    for name in wanted:
        wanted += [one for one in after[name] if one not in wanted]
    return [task for task in tasks if task.name in wanted]


def store_uri(root: Path) -> str:
    return sqlite_uri(root / "metadata.sqlite")


def outputs(root: Path) -> list[dict[str, Any]]:
    """What each training left: `training.json`, and its curves as `history`."""
    folders = root.glob(f"artifacts/{PIPELINE}/Trainer/model_run/*")
    return [
        json.loads((folder / "training.json").read_text())
        | {"history": json.loads((folder / "history.json").read_text())}
        for folder in sorted(folders, key=lambda folder: int(folder.name))
    ]


def test_workers_of_a_job_run_the_trainer_while_the_task_of_the_run_waits(
    tmp_path: Path, project_dir: Path
) -> None:
    pytest.importorskip("tfx", reason="needs the `pipelines` extra")
    from forked_task import ForkedTask

    root, logs = tmp_path / "runs", tmp_path / "logs"
    job: list[ForkedTask] = []

    def start_with_job(task: CompiledTask, log: Path) -> ForkedTask:
        if task.name == TRAINER:
            for number, environment in enumerate(worker_environments()):
                worker = replace(task, environment={**task.environment, **environment})
                job.append(ForkedTask(worker, logs / f"worker-{number}.log"))
        return ForkedTask(task, log)

    several = ProcessRun(logs, start_with_job)
    several.run(tasks_up_to_trainer(project_dir, root, "several", "training.strategy=multi_worker"))
    told = {path.stem: path.read_text() for path in logs.iterdir()}
    assert [worker.wait() for worker in job] == [0, 0], told
    assert several.exit_codes == {name: [0] for name in several.exit_codes}
    assert "waiting   for Trainer to be COMPLETE or CACHED; it is" in told[TRAINER]
    assert "progress  step" not in told[TRAINER]
    assert "progress  step" in told["worker-0"]
    executions = connect(store_uri(root), read_only=True).get_executions()
    [trained] = [one for one in executions if one.type.endswith("Trainer")]
    assert trained.last_known_state == trained.COMPLETE
    assert not list(root.glob("checkpoints/*/*"))

    one_worker = ProcessRun(tmp_path / "one", ForkedTask)
    one_worker.run(tasks_up_to_trainer(project_dir, root, "one"))
    several_left, one_left = outputs(root)
    assert several_left["runtime"]["strategy"] == "CollectiveAllReduceStrategy"
    assert (several_left["runtime"]["replicas"], one_left["runtime"]["replicas"]) == (2, 1)
    assert len(several_left["history"]) > 1
    for left, right in zip(several_left["history"], one_left["history"], strict=True):
        assert left == pytest.approx(right, rel=TOLERANCE)
