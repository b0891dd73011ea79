"""Runs with faults, forked from one process that has imported TFX."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tfx", reason="needs the `pipelines` extra")
sys.path.insert(0, str(Path(__file__).parent))

from faulty_run import Command, Fault, run_command  # noqa: E402


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    exit_code: int
    outcome: dict[str, Any]

    def states(self) -> dict[str, str]:
        """Node -> state."""
        return {name: node["state"] for name, node in self.outcome["nodes"].items()}


RunCommand = Callable[..., Finished]


@pytest.fixture(scope="session")
def run_faulty() -> RunCommand:
    """Runs the smoke pipeline below a root, with a fault or without."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faulty_run", "pipelines.runners.local_execution"])

    def run(root: Path, fault: Fault | None = None, **options: Any) -> Finished:
        outcome_file = root.parent / "outcome.json"
        outcome_file.unlink(missing_ok=True)
        command = Command(root, outcome_file, fault=fault, **options)
        process = context.Process(target=run_command, args=(command,))
        process.start()
        process.join(timeout=280)
        if process.is_alive():
            process.kill()
            pytest.fail(f"the run with {fault} hung")
        outcome = json.loads(outcome_file.read_text()) if outcome_file.exists() else {}
        return Finished(process.exitcode or 0, outcome)

    return run
