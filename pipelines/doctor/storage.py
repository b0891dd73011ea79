"""Whether a run can leave its files, its locks and its database where it is told to."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import tempfile
from pathlib import Path

from pipelines.doctor.check import Check

GIBIBYTE = 2**30
# A smoke run with its checkpoints and models stays below the first, a sample run below the second.
LEAST_DISK = GIBIBYTE
GOOD_DISK = 5 * GIBIBYTE


def check_storage(root: Path) -> list[Check]:
    """Everything about the folder that runs are to be left in, and about temporary files."""
    folder = nearest_folder(root)
    writable = check_writable("root", folder, root)
    checks = [check_disk(folder), writable]
    if writable.status == "ok":
        checks.append(check_database(folder))
    temporary = Path(tempfile.gettempdir())
    return [*checks, check_writable("temporary files", temporary, temporary)]


def nearest_folder(path: Path) -> Path:
    """The path itself, or the nearest thing above it that exists."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def check_disk(folder: Path) -> Check:
    """Free space on the file system of the folder."""
    free = shutil.disk_usage(folder).free
    found = f"{free / GIBIBYTE:.1f} GiB free in {folder}"
    if free < LEAST_DISK:
        return Check("disk", "fail", found, "free some, or name another folder with --root")
    if free < GOOD_DISK:
        return Check("disk", "warn", found, "enough for smoke runs; larger ones may fill it")
    return Check("disk", "ok", found)


def check_writable(name: str, folder: Path, wanted: Path) -> Check:
    """Whether files can be made in the folder, by making one."""
    found = f"{wanted} is writable" if wanted == folder else f"{wanted} can be made in {folder}"
    if not folder.is_dir():
        return Check(name, "fail", f"{folder} is not a folder", "name another folder with --root")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Check(name, "ok", found)
    except OSError as error:
        advice = "name another folder with --root, or TMPDIR for temporary files"
        return Check(name, "fail", f"{folder}: {error.strerror}", advice)


def check_database(folder: Path) -> Check:
    """Whether SQLite and file locks work on that file system; network ones often lack locks."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-") as directory:
            with (Path(directory) / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            connection = sqlite3.connect(Path(directory) / "metadata.sqlite", timeout=1)
            connection.execute("CREATE TABLE written (at INTEGER)")
            connection.commit()
            connection.close()
    except (OSError, sqlite3.Error) as error:
        advice = "lineage is kept in SQLite there: name a folder on a local disk with --root"
        return Check("sqlite", "fail", f"{folder}: {error}", advice)
    return Check("sqlite", "ok", f"{sqlite3.sqlite_version}, with locks, in {folder}")
