"""Every node × every fault: a clear end, and a rerun that heals with the finished nodes reused."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forked_run import FILLER, SMALL_DISK_BYTES, Fault

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

NODES = (
    "ExampleGen",
    "Schema",
    "StatisticsGen",
    "ExampleValidator",
    "Transform",
    "Trainer",
    "Evaluator",
    "Report",
    "Pusher",
)
# Exit code of the command, and a word of what it says.
ENDINGS = {
    "exception": (1, "the storage went away"),
    "SIGKILL": (1, "killed by SIGKILL"),
    "SIGTERM": (1, "killed by SIGTERM"),
    "disk_full": (1, "the disk of"),
    "kill_command": (-9, ""),
    "stop_command": (75, "stopped by SIGTERM"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root on a small disk of its own where that can be mounted, else on the common one."""
    folder = tmp_path_factory.mktemp("faults") / "runs"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def healthy(root: Path, run_pipeline: Callable[..., Any]) -> Any:
    finished = run_pipeline(root)
    assert finished.exit_code == 0, finished.outcome
    return finished


def delete_outputs(finished: Any, node: str) -> None:
    """So that the node has to run again."""
    for artifacts in finished.outcome["nodes"][node]["artifacts"].values():
        for artifact in artifacts:
            shutil.rmtree(artifact["uri"], ignore_errors=True)


@pytest.mark.parametrize("node", NODES)
def test_every_fault_ends_clearly_and_a_rerun_heals(
    node: str, root: Path, healthy: Any, run_pipeline: Callable[..., Any]
) -> None:
    last = run_pipeline(root)
    assert set(last.states.values()) <= {"cached", "resolved"}
    delete_outputs(last, node)
    for kind, (exit_code, words) in ENDINGS.items():
        if kind == "disk_full" and shutil.disk_usage(root).total > SMALL_DISK_BYTES:
            continue
        finished = run_pipeline(root, fault=Fault(node, kind))
        (root / FILLER).unlink(missing_ok=True)
        told = f"{kind}: {finished.outcome.get('error')}"
        assert finished.exit_code == exit_code, told
        assert words in finished.error, told
    healed = run_pipeline(root)
    assert healed.exit_code == 0, healed.outcome
    # A node that is quicker than the signal may have finished before the command was stopped.
    assert healed.states[node] in ("executed", "cached")
    upstream = NODES[: NODES.index(node)]
    if node != "Transform":
        assert all(healed.states[name] == "cached" for name in upstream)
    assert healed.outcome["verdict"]["blessed"]
