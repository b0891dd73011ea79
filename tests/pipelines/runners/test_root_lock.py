"""One run at a time below a root, however the earlier one ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import RunError
from pipelines.runners import root_lock as module
from pipelines.runners.root_lock import root_lock

HOLD = """
import sys, time
from pathlib import Path
from pipelines.runners.root_lock import root_lock
with root_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_run_is_refused_and_told_who_holds_the_root(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(RunError, match=f"process {holder.pid} holds it"), root_lock(tmp_path):
        pytest.fail("two runs on one root")


def test_a_killed_run_leaves_the_root_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with root_lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


def test_a_root_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="--root"), root_lock(tmp_path / "file" / "runs"):
        pytest.fail("a file is no folder")
