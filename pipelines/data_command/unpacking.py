"""Unpacks an archive beside its place and puts it there in one step.

Only files and folders below the target are made: links, devices and names that lead out of the
folder end the unpacking, and nothing of the archive stays.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from components.errors import DataError, RunError
from pipelines.data_command.progress import ProgressView, Update

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)


class _Member(NamedTuple):
    """A file of an archive.

    Attributes:
        name: Its path in the archive.
        kind: What it is, if it is no file.
        size: Bytes.
        content: To be read; None if it is no file.
    """

    name: str
    kind: str
    size: int
    content: IO[bytes] | None


def unpack(archive: Path, scratch: Path, view: ProgressView) -> None:
    """Unpacks an archive into a new folder.

    Args:
        archive: A zip, or a tar of any compression.
        scratch: The folder to make; one that an interrupted unpacking left is removed.
        view: Shows how far it is.

    Raises:
        DataError: The archive is damaged, or holds something else than files below one folder.
        RunError: A file cannot be written.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    size = archive.stat().st_size
    members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    try:
        with _explained(archive, scratch), view.work("unpacking", size, "bytes") as update:
            for member in members(archive, update):
                _write(archive, scratch, member)
            update(size)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


@contextmanager
def _explained(archive: Path, scratch: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(
            f"{archive} cannot be unpacked", found=error, fix="remove it and fetch it again"
        ) from error
    except OSError as error:
        raise RunError(
            f"{archive} cannot be unpacked",
            found=f"{error.filename or scratch}: {error.strerror or error}",
            fix="make room, or name another folder with --to",
        ) from error


def _tar_members(archive: Path, update: Update) -> Iterator[_Member]:
    with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:*") as packed:
        for member in packed:
            if member.isdir():
                yield _Member(member.name, "folder", 0, None)
            elif member.isreg():
                yield _Member(member.name, "", member.size, packed.extractfile(member))
            else:
                kind = "link" if member.islnk() or member.issym() else "device"
                yield _Member(member.name, kind, 0, None)
            update(raw.tell())


def _zip_members(archive: Path, update: Update) -> Iterator[_Member]:
    done = 0
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                yield _Member(member.filename, "folder", 0, None)
            elif mode and mode & 0o170000 not in (0, 0o100000):
                yield _Member(member.filename, "link or device", 0, None)
            else:
                with packed.open(member) as content:
                    yield _Member(member.filename, "", member.file_size, content)
            done += member.compress_size
            update(done)


def _write(archive: Path, scratch: Path, member: _Member) -> None:
    name = PurePosixPath(member.name)
    leads_out = name.is_absolute() or ".." in name.parts or "\\" in member.name
    if leads_out or (member.content is None and member.kind != "folder"):
        raise DataError(
            f"{archive} was not unpacked: it could write outside of its folder",
            found=f"{member.kind or 'file'} {member.name}",
            expected="files and folders below one folder",
            fix="do not unpack it by other means either; fetch the official archive",
        )
    path = scratch / name
    if member.content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(member.content, file, 2**20)
