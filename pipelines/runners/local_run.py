"""A whole run on this machine: lock, compile, execute, and collect what came of it."""

from __future__ import annotations

import gc
import json
import secrets
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import PapergardenError
from pipelines.configs.paper_config import ResolvedConfig
from pipelines.registry import find_pipeline
from pipelines.runners.root_lock import root_lock

if TYPE_CHECKING:
    from pipelines.runners.node_status import Observer
    from pipelines.runners.run_outcome import RunOutcome


@dataclass(frozen=True)
class RunRequest:
    """What to run, and where.

    Attributes:
        pipeline: A registered pipeline.
        resolved: Its configuration.
        root: Folder of everything the run leaves behind.
        data_root: The data set; None takes the paper's sample data.
        beam_args: Further options of the Beam nodes.
        time_limit_seconds: Longest time a node may take.
    """

    pipeline: str
    resolved: ResolvedConfig
    root: Path
    data_root: Path | None = None
    beam_args: tuple[str, ...] = ()
    time_limit_seconds: float = 7 * 24 * 3600.0


@dataclass(frozen=True)
class RunView:
    """How a run shows itself.

    Attributes:
        say: Takes a line of news.
        table: Opens the live table.
    """

    say: Callable[[str], None]
    table: Callable[[], AbstractContextManager[Observer]]


def run_locally(request: RunRequest, view: RunView, process_start: float) -> RunOutcome:
    """Runs a pipeline on this machine and waits for its end.

    Args:
        request: What to run.
        view: How to show it.
        process_start: `time.time()` when the command began.

    Returns:
        The outcome; also of a run that failed, with `error` set.

    Raises:
        PapergardenError: If the run could not begin.
    """
    request = replace(request, root=request.root.absolute())
    with root_lock(request.root):
        data_root = request.data_root or _sample_data(request)
        view.say(f"data      {data_root}")
        view.say("loading   TFX (some 15 s)")
        # Nearly all of what an import makes stays; collecting among it costs a tenth of the time.
        gc.disable()
        from pipelines.runners import local_execution

        gc.enable()
        gc.freeze()
        return local_execution.execute(request, data_root, view, process_start)


def new_run_id() -> str:
    """Sortable by time, and different for two runs of the same second."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def run_facts(resolved: ResolvedConfig, run_id: str, commit: str) -> dict[str, str]:
    """What ML Metadata shall know of a run."""
    return {
        "preset": resolved.preset,
        "config": resolved.to_json(),
        "git_commit": commit,
        "run_id": run_id,
    }


def git_commit() -> str:
    """The project's commit, `-dirty` if files differ from it, or `unknown` outside a checkout."""
    project = Path(__file__).resolve().parents[2]
    if not (project / ".git").exists():
        return "unknown"
    command = ["git", "-C", str(project), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def _sample_data(request: RunRequest) -> Path:
    make = find_pipeline(request.pipeline).load_sample_data()
    path: Path = make(request.resolved.config, request.root / "sample_data")
    return path


def write_config(request: RunRequest, log_dir: Path) -> None:
    """Keeps the resolved configuration beside the run's logs."""
    values = {
        "preset": request.resolved.preset,
        "config": json.loads(request.resolved.to_json()),
        "origins": {setting.key: setting.origin for setting in request.resolved.settings},
    }
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        (log_dir / "config.json").write_text(json.dumps(values, indent=2) + "\n")
    except OSError as error:
        raise PapergardenError(
            f"the run's folder {log_dir} cannot be written", found=error.strerror
        ) from error
