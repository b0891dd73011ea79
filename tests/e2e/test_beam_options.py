"""Options of `--beam` on their way into Beam, with ExampleGen as the node that needs it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from compiled_run import read_tasks

from components.lineage.metadata_uri import sqlite_uri

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PIPELINE = "only_bn_pipeline"

RunExampleGen = Callable[..., tuple[int, str]]


@pytest.fixture
def run_example_gen(tmp_path: Path, project_dir: Path) -> RunExampleGen:
    """Runs ExampleGen with options of Beam; gives its exit code and log."""
    pytest.importorskip("tfx", reason="needs the `pipelines` extra")
    from forked_task import ForkedTask

    def run(*options: str) -> tuple[int, str]:
        root = tmp_path / "runs"
        uri = sqlite_uri(root / "metadata.sqlite")
        tasks = read_tasks(
            project_dir / "kfp" / "compiled" / f"{PIPELINE}.yaml",
            "r1",
            {"preset": "smoke", "root": str(root), "beam_options": json.dumps(options)},
            {"papergarden-metadata": {"uri": uri, "user": "", "password": ""}},
        )
        for name in ("prepare", "examplegen"):
            log = tmp_path / f"{name}.log"
            [task] = [task for task in tasks if task.name == name]
            code = ForkedTask(task, log).wait()
        return code, log.read_text()

    return run


@pytest.fixture
def worker_pool(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a worker pool that is no child of the node, and its log."""
    from beam_worker_pool import serve
    from database_server import free_port

    # Not of the server that tasks are forked from: it has to be started with what they import.
    context = multiprocessing.get_context("spawn")
    port, log = free_port(), tmp_path / "pool.log"
    listening = context.Event()
    process = context.Process(target=serve, args=(port, log, listening))
    process.start()
    assert listening.wait(300), log.read_text()
    yield f"127.0.0.1:{port}", log
    process.kill()
    process.join()


def written(tmp_path: Path) -> dict[str, int]:
    """Split -> records that ExampleGen wrote."""
    [counts] = tmp_path.glob(f"runs/artifacts/{PIPELINE}/ExampleGen/examples/*/counts.json")
    splits = json.loads(counts.read_text())["splits"]
    return {name: split["written"] for name, split in splits.items()}


def test_workers_outside_of_the_node(
    run_example_gen: RunExampleGen, worker_pool: tuple[str, Path], tmp_path: Path
) -> None:
    address, pool_log = worker_pool
    code, log = run_example_gen(
        "runner=PortableRunner",
        "job_endpoint=embed",
        "environment_type=EXTERNAL",
        f"environment_config={address}",
    )
    assert code == 0, log
    assert written(tmp_path) == {"train": 1500, "eval": 297}
    assert "started worker" in pool_log.read_text()


def test_a_flink_that_is_asked_for_is_not_replaced(run_example_gen: RunExampleGen) -> None:
    code, log = run_example_gen(
        "runner=FlinkRunner", "flink_master=127.0.0.1:1", "flink_job_server_jar=/no/such.jar"
    )
    assert code == 1
    assert "node ExampleGen failed" in log
    assert "/no/such.jar" in log.splitlines()[-1]
