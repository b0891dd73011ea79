"""One run at a time below a root."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import RunError

# A killed run's last child may need a moment to notice; then the lock is free.
PATIENCE_SECONDS = 3.0


@contextlib.contextmanager
def root_lock(root: Path) -> Iterator[None]:
    """Holds the root for this run and its forked nodes.

    The lock belongs to the open file, which forked children share: it is free once the run *and*
    every node of it have ended, however they ended.

    Raises:
        RunError: If the root cannot be written, or another run holds it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(
            f"the root {root} cannot be written",
            found=error.strerror,
            expected="a folder this user may create files in",
            fix="pass another folder with --root",
        ) from error
    try:
        _acquire(descriptor, root)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, root: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            holder = os.pread(descriptor, 32, 0).decode() or "unknown"
            raise RunError(
                f"another run is using the root {root}",
                found=f"process {holder} holds it",
                expected="one run at a time below a root",
                fix="wait for it to end, or pass another folder with --root",
            ) from error
