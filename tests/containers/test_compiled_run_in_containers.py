"""A pipeline exactly as it is compiled, every task in a container of its own.

`make test-containers` runs it; nothing else does. Kubernetes itself is not here: what schedules the
tasks, hands them their volume and secret and tries them again is `compiled_run.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from compiled_run import CompiledTask, ProcessRun, read_tasks
from task_container import VARIABLES, ContainerEngine

from components.lineage.metadata_uri import connect, sqlite_uri

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

PIPELINE = "siren_pipeline"
RUN_ID = "20260101-000000-0000"
CLAIM = "papergarden"
# As the tasks see it: the compiled default.
ROOT = Path("/papergarden/runs")
URI = sqlite_uri(ROOT / "metadata.sqlite")
STOPPED = "transform"
# Prints where our code is and where packages are.
FIND_INSTALLED = (
    "import pathlib, sysconfig, pipelines;"
    "print(pathlib.Path(pipelines.__path__[0]).parent);"
    "print(sysconfig.get_path('purelib'))"
)


@pytest.fixture(scope="module")
def engine() -> ContainerEngine:
    if not all(name in os.environ for name in VARIABLES):
        pytest.skip("no container engine: run `make test-containers`")
    return ContainerEngine.from_variables(os.environ)


@pytest.fixture(scope="module")
def compiled_path(engine: ContainerEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline, compiled for machines without accelerators that have the image."""
    folder = tmp_path_factory.mktemp("compiled")
    papergarden = str(Path(sys.executable).parent / "papergarden")
    words = ["compile", PIPELINE, "-o", str(folder), "--accelerator", "none"]
    subprocess.run([papergarden, *words, "--cluster", f"image={engine.image}"], check=True)
    return folder / f"{PIPELINE}.yaml"


@dataclass
class Cluster:
    """A machine that runs tasks in containers."""

    engine: ContainerEngine
    compiled_path: Path
    log_dir: Path
    volume: Path
    stopped: list[int] = field(default_factory=list)

    def run(self, run_id: str, **arguments: str) -> ProcessRun:
        """Runs the pipeline; raises a RuntimeError with the run as `.run` if it fails."""
        tasks = self.tasks(run_id, **arguments)
        run = ProcessRun(self.log_dir / run_id, start=self.engine.start)
        try:
            run.run(tasks, self.stop_once)
        except RuntimeError as error:
            raise FailedRun(run, str(error)) from error
        finally:
            for task in tasks:
                self.engine.remove(task.name)
        return run

    def tasks(self, run_id: str, **arguments: str) -> list[CompiledTask]:
        secret = {"uri": URI, "user": "", "password": ""}
        return read_tasks(self.compiled_path, run_id, arguments, {"papergarden-metadata": secret})

    def stop_once(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Stops the task once its execution is under way."""
        begun = self.volume.glob(f"runs/artifacts/{PIPELINE}/Transform/transform_graph/*")
        if name != STOPPED or self.stopped or not any(begun):
            return
        self.engine.stop(name)
        process.wait()
        self.stopped += [
            one.id
            for one in self.store().get_executions()
            if one.type.endswith("transform.component.Transform")
            and one.last_known_state == one.RUNNING
        ]

    def store(self) -> Any:
        uri = sqlite_uri(self.volume / "runs" / "metadata.sqlite")
        return connect(uri, read_only=True)


class FailedRun(RuntimeError):
    """A run whose task failed for good."""

    def __init__(self, run: ProcessRun, words: str) -> None:
        self.run = run
        super().__init__(words)


@pytest.fixture(scope="module")
def cluster(
    engine: ContainerEngine, compiled_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("logs")
    yield Cluster(engine, compiled_path, folder, engine.provide_empty(CLAIM))


@pytest.fixture(scope="module")
def finished(cluster: Cluster) -> ProcessRun:
    return cluster.run(RUN_ID, preset="smoke")


@pytest.fixture(scope="module")
def forms(
    cluster: Cluster,
    finished: ProcessRun,
    run_pipeline: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lineage of a local run and of the one in containers."""
    from lineage_form import LineageForm

    root = tmp_path_factory.mktemp("local") / "runs"
    local = run_pipeline(root)
    assert local.exit_code == 0, local.error
    here = subprocess.check_output([sys.executable, "-c", FIND_INSTALLED], text=True)
    there = cluster.engine.check("python", "-c", FIND_INSTALLED)
    uri = sqlite_uri(root / "metadata.sqlite")
    run_id, store = local.outcome["run_id"], connect(uri, read_only=True)
    return (
        LineageForm(store, run_id, str(root), uri, here.split()).as_dict(),
        LineageForm(cluster.store(), RUN_ID, str(ROOT), URI, there.split()).as_dict(),
    )


def test_the_image_runs_as_a_user_who_can_change_nothing_in_it(engine: ContainerEngine) -> None:
    assert engine.check("id", "-u").strip() not in ("", "0")
    code, packages = engine.check("python", "-c", FIND_INSTALLED).split()
    writable = f"test -w {code}/pipelines || test -w {packages} || echo none"
    assert engine.check("sh", "-c", writable).strip() == "none"


def test_any_other_user_may_run_the_image(engine: ContainerEngine) -> None:
    assert PIPELINE in engine.check("papergarden", "list", user="123456789")


@pytest.mark.parametrize("part", ["types", "contexts", "executions", "artifacts", "events"])
def test_lineage_equals_the_local_runs(
    part: str, forms: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    local, contained = forms
    assert local[part]
    assert contained[part] == local[part]


def test_a_stopped_container_says_so_and_its_next_one_takes_the_execution_up(
    cluster: Cluster, finished: ProcessRun
) -> None:
    assert finished.exit_codes[STOPPED] == [75, 0]
    [execution] = cluster.stopped
    assert f"execution {execution}\n" in (finished.log_dir / f"{STOPPED}.log").read_text()


def test_every_other_task_runs_once(cluster: Cluster, finished: ProcessRun) -> None:
    codes = dict(finished.exit_codes)
    del codes[STOPPED]
    names = {task.name for task in cluster.tasks(RUN_ID)}
    assert codes == {name: [0] for name in names - {STOPPED}}


def test_a_refused_model_fails_the_run(
    cluster: Cluster, forms: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    pushed = sorted(cluster.volume.glob("runs/serving/*/[0-9]*"))
    assert len(pushed) == 1
    with pytest.raises(FailedRun, match=r"verdict ended with \[3, 3\]") as failure:
        cluster.run("refused", preset="smoke", overrides="gates.psnr.minimum=60")
    assert failure.value.run.exit_codes["pusher"] == [0]
    assert sorted(cluster.volume.glob("runs/serving/*/[0-9]*")) == pushed


def test_a_task_that_fails_ends_the_run_before_those_that_wait_for_it(cluster: Cluster) -> None:
    with pytest.raises(FailedRun, match="/papergarden/absent") as failure:
        cluster.run(
            "absent", preset="smoke", root="/papergarden/other", data_root="/papergarden/absent"
        )
    codes = failure.value.run.exit_codes
    assert codes == {"prepare": [0], "schema": [0], "examplegen": [1, 1, 1, 1]}
