"""The default test command leaves alone what needs a container engine, and says so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FOLDER = "tests/containers"


def collect(project_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *words, FOLDER], cwd=project_dir, capture_output=True, text=True, check=False
    )


def test_container_tests_run_when_they_are_named_and_never_else(project_dir: Path) -> None:
    named = collect(project_dir, "-m", "containers")
    assert named.returncode == 0, named.stdout
    count = re.search(r"(\d+) tests collected", named.stdout)
    assert count

    by_default = collect(project_dir)
    # 5: nothing was collected.
    assert by_default.returncode == 5, by_default.stdout
    assert f"{count[1]} deselected" in by_default.stdout


def test_make_test_keeps_the_default(project_dir: Path) -> None:
    recipes = dict(
        re.findall(r"^([\w-]+):.*\n((?:\t.+\n)+)", (project_dir / "Makefile").read_text(), re.M)
    )
    assert "pytest" in recipes["test"]
    assert "-m containers" not in recipes["test"]
    assert "scripts/test_containers.sh" in recipes["test-containers"]
    assert "-m containers" in (project_dir / "scripts" / "test_containers.sh").read_text()
