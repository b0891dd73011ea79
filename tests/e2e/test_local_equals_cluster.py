"""A compiled pipeline, executed as its specification says, leaves the lineage of a local run.

Every task is a process that runs the compiled command, as its container would; so each imports TFX
anew, and both runs together take two and a half minutes of CPU. One pipeline is run that way; all
of them, forked, are in `test_every_pipeline_on_a_cluster.py`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from compiled_run import ProcessRun, TaskProcess, read_tasks

from components.lineage.metadata_uri import connect, sqlite_uri

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

PIPELINE = "siren_pipeline"
# As long as the ids of local runs, and the roots as long as each other: sizes of files tell both.
RUN_ID = "20260101-000000-0000"
KILLED = "transform"


@dataclass
class Cluster:
    """A run of the compiled pipeline, one task of which was killed in the middle of its work."""

    root: Path
    log_dir: Path
    processes: ProcessRun
    killed_executions: list[int] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return sqlite_uri(self.root / "metadata.sqlite")

    def kill_once(self, name: str, process: TaskProcess) -> None:
        """Kills the task's process once its execution is under way."""
        if name != KILLED or self.killed_executions or not self._outputs():
            return
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        store = connect(self.uri, read_only=True)
        self.killed_executions += [
            one.id
            for one in store.get_executions()
            if one.type.endswith("transform.component.Transform")
            and one.last_known_state == one.RUNNING
        ]

    def _outputs(self) -> list[Path]:
        return list(self.root.glob(f"artifacts/{PIPELINE}/Transform/transform_graph/*"))

    def log(self, task: str) -> str:
        return (self.log_dir / f"{task}.log").read_text()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, project_dir: Path) -> Cluster:
    folder = tmp_path_factory.mktemp("equal")
    root = folder / "compiled"
    cluster = Cluster(root, folder / "logs", ProcessRun(folder / "logs"))
    secrets = {"papergarden-metadata": {"uri": cluster.uri, "user": "", "password": ""}}
    tasks = read_tasks(
        project_dir / "kfp" / "compiled" / f"{PIPELINE}.yaml",
        RUN_ID,
        {"preset": "smoke", "root": str(root)},
        secrets,
    )
    cluster.processes.run(tasks, cluster.kill_once)
    return cluster


@pytest.fixture(scope="module")
def forms(
    cluster: Cluster, run_pipeline: Callable[..., Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lineage of a local run and of the compiled one."""
    from lineage_form import LineageForm

    root = cluster.root.parent / "executed"
    local = run_pipeline(root)
    assert local.exit_code == 0, local.error
    local_uri = sqlite_uri(root / "metadata.sqlite")
    local_store = connect(local_uri, read_only=True)
    store = connect(cluster.uri, read_only=True)
    return (
        LineageForm(local_store, local.outcome["run_id"], str(root), local_uri).as_dict(),
        LineageForm(store, RUN_ID, str(cluster.root), cluster.uri).as_dict(),
    )


@pytest.mark.parametrize("part", ["types", "contexts", "executions", "artifacts", "events"])
def test_lineage_equals_the_local_runs(
    part: str, forms: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    local, compiled = forms
    assert local[part]
    assert compiled[part] == local[part]


def test_a_killed_task_takes_its_execution_up(cluster: Cluster) -> None:
    [execution] = cluster.killed_executions
    assert cluster.processes.exit_codes[KILLED] == [-signal.SIGKILL, 0]
    assert f"execution {execution}\n" in cluster.log(KILLED)
    store = connect(cluster.uri, read_only=True)
    [taken_up] = store.get_executions_by_id([execution])
    assert taken_up.last_known_state == taken_up.COMPLETE


def test_every_other_task_runs_once(cluster: Cluster) -> None:
    codes = dict(cluster.processes.exit_codes)
    del codes[KILLED]
    assert codes == {name: [0] for name in codes}
    assert len(codes) == 11


def test_logs_tell_what_happened(cluster: Cluster) -> None:
    assert "node      Trainer: executed" in cluster.log("trainer")
    assert "progress  step" in cluster.log("trainer")
    assert "node      Baseline: resolved" in cluster.log("baseline")
    for task in ("evaluator", "verdict"):
        assert "verdict   BLESSED" in cluster.log(task)
        assert "psnr" in cluster.log(task)
    assert f"pushed    {cluster.root}/serving/{PIPELINE}/" in cluster.log("pusher")
