"""How a command that ran a pipeline, or followed one, ends: summary, JSON, exit code."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console

from components.errors import RunError
from pipelines.runners.run_outcome import RunOutcome

NOT_BLESSED_EXIT_CODE = 3


def close_run(outcome: RunOutcome, console: Console, json_file: Path | None) -> None:
    """Prints and writes what a run came to, and ends the command accordingly.

    Raises:
        PapergardenError: What ended the run early, or that the file cannot be written.
        typer.Exit: If the model was not blessed.
    """
    from pipelines.runners.summary import print_summary

    print_summary(outcome, console)
    if json_file:
        write_json(json_file, outcome.to_json())
    if outcome.error:
        raise outcome.error
    if outcome.verdict is None or not outcome.verdict.blessed:
        raise typer.Exit(NOT_BLESSED_EXIT_CODE)


def write_json(path: Path, text: str) -> None:
    """Writes what `--json` asks for.

    Raises:
        RunError: If it cannot be written.
    """
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise RunError(
            f"{path} cannot be written", found=error.strerror, fix="pass another file with --json"
        ) from error
