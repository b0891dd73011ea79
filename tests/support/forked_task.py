"""A task of a compiled pipeline in a process forked from one that has imported TFX."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from forked_run import AtStep

from pipelines.cli import main
from pipelines.runners.child import PROGRESS_LOGGER

if TYPE_CHECKING:
    from compiled_run import CompiledTask


def run_task(
    words: tuple[str, ...], environment: Mapping[str, str], log_file: Path, stop_at: int | None
) -> None:
    """Runs `papergarden` with these words and exits with its code.

    Args:
        words: The words behind the program's name.
        environment: Variables of the task.
        log_file: Gets what it prints.
        stop_at: A training step at which it gets SIGTERM.
    """
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(environment)
    # TFX's nodes look for options of theirs among these words, which would be pytest's.
    sys.argv = ["papergarden", *words]
    if stop_at is not None:
        logging.getLogger(PROGRESS_LOGGER).addHandler(AtStep(stop_at, signal.SIGTERM))
    sys.exit(main(list(words)))


class ForkedTask:
    """A task that runs in a process forked from one that has imported TFX.

    Args:
        task: The task.
        log_file: Gets what it prints.
        stop_at: A training step at which it gets SIGTERM.
    """

    def __init__(self, task: CompiledTask, log_file: Path, stop_at: int | None = None) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["forked_task", "pipelines.runners.local_execution"])
        self._process = context.Process(
            target=run_task, args=(task.command[1:], dict(task.environment), log_file, stop_at)
        )
        self._process.start()
        self.pid = self._process.pid or 0
        self.returncode = 0

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self._process.exitcode is None:
            return None
        self.returncode = self._process.exitcode
        return self.returncode

    def wait(self, timeout: float = 280) -> int:
        """Its exit code, once it has ended.

        Raises:
            TimeoutError: If it does not end in time; it is killed.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            self.kill()
            raise TimeoutError(f"the task did not end in {timeout} s")
        return self.poll() or 0

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
