"""A task of a compiled pipeline in a process forked from one that has imported TFX."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from forked_run import AtStep

from pipelines.cli import main
from pipelines.runners.child import PROGRESS_LOGGER


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
    if stop_at is not None:
        logging.getLogger(PROGRESS_LOGGER).addHandler(AtStep(stop_at, signal.SIGTERM))
    sys.exit(main(list(words)))
