"""The forked process that runs one node, and the parent's handle on it."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import faulthandler
import io
import json
import logging
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from tensorflow.python.eager import context as tensorflow_context
from tfx.proto.orchestration import pipeline_pb2

from components.errors import PapergardenError, RunError
from pipelines.runners.last_words import last_words
from pipelines.runners.node import run_node

PROGRESS_LOGGER = "papergarden.progress"
PR_SET_PDEATHSIG = 1


class Child:
    """A node's process, as its parent sees it.

    Args:
        pid: The process.
        descriptor: Where its messages arrive.
    """

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.descriptor = descriptor
        self._unread = b""

    def read_messages(self) -> list[dict[str, Any]] | None:
        """The messages (`progress`, `outcome` or `error`) that have arrived; None at the end."""
        data = os.read(self.descriptor, 65536)
        if not data:
            return None
        *lines, self._unread = (self._unread + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def wait(self) -> int:
        """Its exit code; negative for the signal that killed it."""
        os.close(self.descriptor)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def terminate(self) -> None:
        """Asks it to save its state and stop."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Stops it at once."""
        self._send(signal.SIGKILL)

    def dump_stacks(self) -> None:
        """Has it write its threads' stacks into its log."""
        self._send(signal.SIGUSR1)

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


def start_child(pipeline_ir: pipeline_pb2.Pipeline, node_id: str, log_path: Path) -> Child:
    """Forks a process that runs one node.

    Raises:
        RunError: If this process has executed a TensorFlow operation: its threads do not survive a
            fork, and the child would hang.
    """
    if tensorflow_context.context()._context_handle is not None:
        raise RunError(
            "nodes can no longer be forked from this process",
            found="a TensorFlow operation ran in it",
            expected="a process that has only imported TensorFlow",
            fix="run the pipeline from a fresh process",
        )
    log_path.parent.mkdir(parents=True, exist_ok=True)
    # What stands in the buffers would be written by both processes.
    sys.stdout.flush()
    sys.stderr.flush()
    read_end, write_end = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _run_in_child(pipeline_ir, node_id, log_path, write_end, parent)
    os.close(write_end)
    return Child(pid, read_end)


class _ProgressHandler(logging.Handler):
    """Sends the progress a node logs to the parent."""

    def __init__(self, messages: io.TextIOWrapper) -> None:
        super().__init__()
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, "progress", None)
        if progress is not None:
            _send(self._messages, progress=progress)


def _send(messages: io.TextIOWrapper, **message: Any) -> None:
    # A parent that is gone needs no news; the node's own end is told by its log and exit code.
    with contextlib.suppress(BrokenPipeError):
        messages.write(json.dumps(message) + "\n")
        messages.flush()


def _run_in_child(
    pipeline_ir: pipeline_pb2.Pipeline, node_id: str, log_path: Path, write_end: int, parent: int
) -> None:
    """Runs the node and ends the process; never returns into the parent's code."""
    code = 1
    try:
        messages = os.fdopen(write_end, "w", encoding="utf-8")
        _become_child(log_path, parent)
        logger = logging.getLogger(PROGRESS_LOGGER)
        logger.addHandler(_ProgressHandler(messages))
        logger.setLevel(logging.INFO)
        try:
            outcome = run_node(pipeline_ir, node_id)
            _send(messages, outcome=dataclasses.asdict(outcome))
            code = 0
        except PapergardenError as error:
            _send(messages, error=str(error))
            code = error.exit_code
            traceback.print_exc()
        except BaseException as error:  # noqa: BLE001 - the process ends here
            _send(messages, error=last_words(error))
            traceback.print_exc()
    finally:
        # The log may be on a full disk; the parent's code below must not be reached for all that.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _become_child(log_path: Path, parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Ctrl-C reaches the whole terminal group; the parent decides and sends SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    # TFX hands this process's arguments on to executors as flags.
    sys.argv = sys.argv[:1]
