"""A directory of numbered model versions, as TF Serving watches it.

On a disk a version appears by one rename, whole or not at all: it is copied into a hidden sibling
first (TF Serving looks at numbers only), written through to the disk and checked.

**Object stores** have no rename of directories, so there a push is not atomic: the files appear one
after another, `saved_model.pb` as the last. A server that polls in between sees a version without
it, which it does not load but may report; so does every server after a push that was killed.
"""

from __future__ import annotations

import fcntl
import filecmp
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.errors import RunError
from components.pushers.model_files import copy_model_file, is_local, list_model_files

UNFINISHED_PREFIX = ".pushing-"
LOCK_FILE = ".push.lock"
LOCK_SECONDS = 300.0


@dataclass(frozen=True)
class PushedVersion:
    """A version that a server can load.

    Attributes:
        path: Its directory.
        version: Its number.
        is_new: False if the newest version already was this model.
    """

    path: str
    version: int
    is_new: bool


def push_version(
    source: str, base: str, *, clock: Callable[[], float] = time.time
) -> PushedVersion:
    """Copies a SavedModel into the next version of a directory.

    The version is the time in seconds, as TFX has it, but always larger than every version there,
    be the clock wrong or two pushes in one second. If the newest version already holds the very
    same bytes, as after a push that was killed before it was recorded, nothing is copied.

    Args:
        source: Directory of the SavedModel.
        base: Directory of the versions; made where it is missing.
        clock: Gives the time in seconds.

    Raises:
        RunError: If the model cannot be copied whole. What was there stays as it was.
    """
    files = list_model_files(source)
    if not is_local(base):
        return _push_to_object_store(source, base, files, clock)
    try:
        os.makedirs(base, exist_ok=True)
        with _only_push(base):
            _remove_unfinished(base)
            return _push_by_rename(source, base, files, clock)
    except OSError as error:
        raise RunError(
            f"the model could not be pushed: {error.strerror or error}",
            found=error.filename or base,
            expected=f"{sum(files.values())} bytes of room and write access in {base}",
            fix="make room or pass another directory, and run again: finished nodes are reused",
        ) from error


def versions(base: str) -> list[int]:
    """The versions of a local directory, ascending."""
    return sorted(int(entry.name) for entry in Path(base).iterdir() if _is_version(entry.name))


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _next_version(existing: list[int], clock: Callable[[], float]) -> int:
    return max([int(clock()), *(version + 1 for version in existing)])


def _push_by_rename(
    source: str, base: str, files: dict[str, int], clock: Callable[[], float]
) -> PushedVersion:
    existing = versions(base)
    if existing and is_local(source):
        newest = os.path.join(base, str(existing[-1]))
        if _same_model(source, newest, files):
            return PushedVersion(newest, existing[-1], is_new=False)
    version = _next_version(existing, clock)
    unfinished = os.path.join(base, f"{UNFINISHED_PREFIX}{version}")
    destination = os.path.join(base, str(version))
    try:
        # Not tempfile.mkdtemp: its 0700 would lock out a server that runs as another user.
        os.mkdir(unfinished)
        _copy(source, unfinished, files)
        for folder, _, _ in os.walk(unfinished):
            _sync_directory(folder)
        os.rename(unfinished, destination)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync_directory(base)
    return PushedVersion(destination, version, is_new=True)


def _push_to_object_store(
    source: str, base: str, files: dict[str, int], clock: Callable[[], float]
) -> PushedVersion:
    import tensorflow as tf

    gfile = tf.io.gfile
    gfile.makedirs(base)
    names = (name.rstrip("/") for name in gfile.listdir(base))
    version = _next_version([int(name) for name in names if _is_version(name)], clock)
    destination = f"{base.rstrip('/')}/{version}"
    _copy(source, destination, files)
    return PushedVersion(destination, version, is_new=True)


def _copy(source: str, destination: str, files: dict[str, int]) -> None:
    """Copies in the given order, then holds what arrived against what was to be copied."""
    for name in files:
        copy_model_file(f"{source.rstrip('/')}/{name}", f"{destination.rstrip('/')}/{name}")
    arrived = list_model_files(destination)
    if arrived != files:
        wrong = sorted(
            name for name in files.keys() | arrived.keys() if files.get(name) != arrived.get(name)
        )
        raise RunError(
            "the copy of the model differs from the model",
            found=", ".join(f"{name}: {arrived.get(name)} bytes" for name in wrong),
            expected=", ".join(f"{name}: {files.get(name)} bytes" for name in wrong),
            fix="run again; if it repeats, the disk or the model's directory is not sound",
        )


def _same_model(source: str, version_dir: str, files: dict[str, int]) -> bool:
    try:
        if list_model_files(version_dir) != files:
            return False
    except RunError:
        return False
    _, different, unreadable = filecmp.cmpfiles(source, version_dir, list(files), shallow=False)
    return not different and not unreadable


def _remove_unfinished(base: str) -> None:
    """Removes what killed pushes left; under the lock nobody else is writing one."""
    for entry in Path(base).iterdir():
        if entry.name.startswith(UNFINISHED_PREFIX):
            shutil.rmtree(entry)


def _sync_directory(path: str) -> None:
    """Writes a directory's entries through to the disk, so that a power cut keeps their order."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _only_push(base: str) -> Iterator[None]:
    """Lets one push at a time into a directory; the system frees the lock of a killed one."""
    with open(os.path.join(base, LOCK_FILE), "w") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RunError(
                        "another push into this directory does not end",
                        found=base,
                        expected=f"the lock {LOCK_FILE} within {LOCK_SECONDS:.0f} s",
                        fix="stop the other run",
                    ) from None
                time.sleep(0.1)
        yield
