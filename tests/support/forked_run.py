"""A whole run, perhaps with a fault in it, in a process forked from one that has imported TFX."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tfx.orchestration.portable.launcher import Launcher

from components.errors import PapergardenError
from components.trainers import step_progress
from pipelines.configs.paper_config import resolve_config
from pipelines.registry import find_pipeline
from pipelines.runners import child
from pipelines.runners.child import PROGRESS_LOGGER
from pipelines.runners.local_run import RunRequest, RunView, run_locally
from pipelines.runners.node_status import NodeStatus

Kind = Literal[
    "exception",
    "SIGKILL",
    "SIGTERM",
    "disk_full",
    "truncate_records",
    "kill_command",
    "stop_command",
]

FILLER = "filler"
SMALL_DISK_BYTES = 512 << 20


@dataclass(frozen=True)
class Fault:
    """What goes wrong in which node; a kill comes as its executor starts, or at a training step."""

    node: str
    kind: Kind
    step: int | None = None


@dataclass(frozen=True)
class Command:
    """A run of a pipeline."""

    root: Path
    outcome_file: Path
    assignments: tuple[str, ...] = ()
    data_root: Path | None = None
    fault: Fault | None = None
    pipeline: str = "siren_pipeline"
    preset: str = "smoke"


def run_command(command: Command) -> None:
    """Runs it; exits with the code the command line would have."""
    log_file = command.outcome_file.with_suffix(".log")
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if command.fault:
        _install(command, command.fault)
    try:
        config = find_pipeline(command.pipeline).load_config()
        request = RunRequest(
            pipeline=command.pipeline,
            resolved=resolve_config(config, command.preset, command.assignments),
            root=command.root,
            data_root=command.data_root,
        )
        observer = _observer(command.fault)
        view = RunView(say=print, table=lambda: contextlib.nullcontext(observer))
        outcome = run_locally(request, view, time.time())
    except PapergardenError as error:
        command.outcome_file.write_text(json.dumps({"error": str(error), "nodes": {}}))
        sys.exit(error.exit_code)
    command.outcome_file.write_text(outcome.to_json())
    sys.exit(outcome.error.exit_code if outcome.error else 0)


def _install(command: Command, fault: Fault) -> None:
    """Makes the node's process go wrong; the node's own code runs as it is."""
    run_node = child.run_node

    def faulty(pipeline_ir: object, node_id: str) -> object:
        if node_id == fault.node:
            _strike(command, fault)
        return run_node(pipeline_ir, node_id)

    child.run_node = faulty


def _strike(command: Command, fault: Fault) -> None:
    if fault.kind == "exception":
        raise OSError("the storage went away")
    if fault.kind == "disk_full":
        fill_disk(command.root)
    elif fault.kind == "truncate_records":
        for path in command.root.glob("artifacts/*/ExampleGen/examples/*/Split-train/*.gz"):
            path.write_bytes(path.read_bytes()[:50])
    elif fault.kind in ("SIGKILL", "SIGTERM"):
        number = signal.Signals[fault.kind]
        if fault.step is None:
            Launcher._run_executor = lambda *_: os.kill(os.getpid(), number)
        else:
            logging.getLogger(PROGRESS_LOGGER).addHandler(AtStep(fault.step, number))


def fill_disk(root: Path) -> None:
    """Leaves no free byte on the root's disk, which must be a small one of the test's own."""
    if shutil.disk_usage(root).total > SMALL_DISK_BYTES:
        raise RuntimeError(f"{root} is not on a small disk; it would be filled up")
    with contextlib.suppress(OSError), (root / FILLER).open("ab", buffering=0) as filler:
        while True:
            filler.write(b"0" * 4096)


def _observer(fault: Fault | None) -> Callable[[Mapping[str, NodeStatus]], None]:
    """Ends the whole command once the fault's node runs."""
    struck = threading.Event()

    def observe(nodes: Mapping[str, NodeStatus]) -> None:
        if fault is None or fault.kind not in ("kill_command", "stop_command"):
            return
        if nodes[fault.node].state == "running" and not struck.is_set():
            struck.set()
            number = signal.SIGKILL if fault.kind == "kill_command" else signal.SIGTERM
            os.kill(os.getpid(), number)

    return observe


class AtStep(logging.Handler):
    """Sends this process a signal at a training step."""

    def __init__(self, step: int, number: int) -> None:
        super().__init__()
        self._step, self._number = step, number
        # Training, which tells four times a second how far it is, tells of every step.
        step_progress._SECONDS_BETWEEN_REPORTS = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "progress", {}).get("step", -1) >= self._step:
            os.kill(os.getpid(), self._number)
