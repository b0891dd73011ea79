"""Scripts that need a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run_in_a_process(script: str, test_file: str, project_dir: Path, *arguments: Path) -> None:
    """Runs Python text; devices, threads and determinism are set for a whole process.

    Args:
        script: Its first argument is the folder of the test, to import from.
        test_file: The test's `__file__`.
        project_dir: To run in.
        *arguments: Further ones.
    """
    finished = subprocess.run(
        [sys.executable, "-c", script, str(Path(test_file).parent), *map(str, arguments)],
        cwd=project_dir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
