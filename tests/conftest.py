"""What every test may use."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from database_server import DatabaseServer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "tests" / "support"))


@pytest.fixture(scope="session")
def project_dir() -> Path:
    """The project's root."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of parity fixtures and real data beside the project; tests skip without it."""
    path = PROJECT.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"the reference data are not at {path}")
    return path


@dataclass(frozen=True)
class FinishedRun:
    """How a run ended: its exit code, and its outcome as `--json` gives it."""

    exit_code: int
    outcome: dict[str, Any]

    @property
    def states(self) -> dict[str, str]:
        """Node -> state."""
        return {name: node["state"] for name, node in self.outcome["nodes"].items()}

    @property
    def error(self) -> str:
        """What ended it early, or nothing."""
        return self.outcome.get("error") or ""


@pytest.fixture(scope="session")
def run_pipeline() -> Callable[..., FinishedRun]:
    """Runs smoke-sized pipelines, each a process forked from one that has imported TFX.

    `run_pipeline(root, assignments=(), data_root=None, fault=None)`.
    """
    pytest.importorskip("tfx", reason="needs the `pipelines` extra")
    from forked_run import Command, run_command

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["forked_run", "pipelines.runners.local_execution"])

    def run(root: Path, **options: Any) -> FinishedRun:
        root.parent.mkdir(parents=True, exist_ok=True)
        outcome_file = root.parent / f"{root.name}.outcome.json"
        outcome_file.unlink(missing_ok=True)
        process = context.Process(
            target=run_command, args=(Command(root, outcome_file, **options),)
        )
        process.start()
        process.join(timeout=280)
        if process.is_alive():
            process.kill()
            pytest.fail(f"the run below {root} hung")
        outcome = json.loads(outcome_file.read_text()) if outcome_file.exists() else {}
        return FinishedRun(process.exitcode or 0, outcome)

    return run


@pytest.fixture(scope="module", params=["mariadb", "postgresql"])
def database_server(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    """A running MariaDB or PostgreSQL of the test's own; skips where it is not installed."""
    from database_server import SERVERS, running

    server_type = SERVERS[request.param]
    if server_type.program() is None:
        pytest.skip(f"{server_type.kind} is not installed: apt-get install {server_type.package}")
    with running(server_type) as server:
        yield server
