"""`papergarden data fetch`: an official archive, downloaded, checked and unpacked."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pooch

from components.errors import DataError, RunError
from components.example_gens.dataset_downloads import ArchiveSet, DatasetDownload
from components.example_gens.file_kinds import describe_content
from pipelines.data_command.progress import ProgressView
from pipelines.data_command.resuming_downloader import ResumingDownloader
from pipelines.data_command.unpacking import unpack

# Notes in the unpacked folder what belongs there.
MARKER = ".papergarden-fetched.json"
_LOCK = ".papergarden-fetch.lock"


def fetch(
    download: DatasetDownload,
    folder: Path,
    view: ProgressView,
    *,
    url: str | None = None,
    keep_archive: bool = False,
) -> tuple[Path, bool]:
    """Brings a data set into a folder; whatever is there already is not done again.

    Args:
        download: What to fetch.
        folder: Where the archive and the data set go; made if need be.
        view: Shows how far it is.
        url: Another server's address of the same archive.
        keep_archive: Whether the archive stays when it is unpacked.

    Returns:
        The data set's folder, and whether it was new.

    Raises:
        DataError: The archive cannot be had, or is another one; or the data set's folder holds
            something else.
        RunError: There is no room, or no permission to write.
    """
    target = folder / download.folder
    archive = folder / download.archive
    with _locked(folder, view):
        if target.exists():
            _require_complete(target)
            return target, False
        scratch = folder / f".{download.folder}.unpacking"
        _bring(download, archive, scratch, view, url or download.url)
        unpacked = scratch / download.folder
        note = {"sha256": download.sha256, **_contents(unpacked)}
        (unpacked / MARKER).write_text(json.dumps(note) + "\n")
        unpacked.rename(target)
        shutil.rmtree(scratch)
        if not keep_archive:
            archive.unlink()
        return target, True


def fetch_set(
    downloads: ArchiveSet,
    folder: Path,
    view: ProgressView,
    *,
    url: str | None = None,
    keep_archive: bool = False,
) -> tuple[Path, bool]:
    """Brings a data set of several archives into a folder; what is there is not done again.

    Args:
        downloads: What to fetch.
        folder: Where the archives and the data set go; made if need be.
        view: Shows how far it is.
        url: Another server's address of the folder that holds the archives.
        keep_archive: Whether the archives stay when they are unpacked.

    Returns:
        The data set's folder, and whether anything in it was new.

    Raises:
        DataError: As for `fetch`.
        RunError: As for `fetch`.
    """
    target = folder / downloads.folder
    with _locked(folder, view):
        missing = [one for one in downloads.archives if not _is_complete(one, downloads, target)]
        if missing:
            archives = max(one.archive_bytes for one in missing)
            _require_room(folder, archives + sum(one.unpacked_bytes for one in missing))
        for download in missing:
            archive = folder / download.archive
            scratch = folder / f".{downloads.folder}.{download.archive}.unpacking"
            source = f"{url.rstrip('/')}/{download.archive}" if url else download.url
            _bring(download, archive, scratch, view, source)
            _put_part_in_place(scratch, target, download, downloads)
            if not keep_archive:
                archive.unlink()
    return target, bool(missing)


def _bring(
    download: DatasetDownload, archive: Path, scratch: Path, view: ProgressView, url: str
) -> None:
    """Downloads an archive if it is not there, checks it, and unpacks it into a new folder."""
    if archive.exists():
        view.say(f"found     {archive}")
        _require_checksum(archive, download)
    else:
        _download(download, archive, view, url)
    _require_room(archive.parent, download.unpacked_bytes)
    unpack(archive, scratch, view)
    for name in download.nested:
        nested = scratch / name
        if not nested.is_file():
            continue
        inner = nested.with_name(f".{nested.name}.unpacking")
        unpack(nested, inner, view)
        for child in sorted(inner.iterdir()):
            # What Finder left in COCO's archives.
            if child.name != "__MACOSX":
                child.rename(nested.parent / child.name)
        shutil.rmtree(inner)
        nested.unlink()
    _require_folder(scratch, download)


def _put_part_in_place(
    scratch: Path, target: Path, download: DatasetDownload, downloads: ArchiveSet
) -> None:
    """Moves what an archive holds into the set's folder; its whole marker comes last."""
    unpacked = scratch / download.folder
    parts = sorted(unpacked.iterdir()) if downloads.shares_folder(download) else [unpacked]
    names = [str(part.relative_to(scratch)) for part in parts]
    marker = target / _marker_of(download)
    if not marker.exists():
        for name in names:
            if (target / name).exists():
                raise _foreign(target / name)
        target.mkdir(parents=True, exist_ok=True)
        # From here on, what is there is what an interrupted attempt left.
        marker.write_text(json.dumps({"parts": None}) + "\n")
    contents = {}
    for part, name in zip(parts, names, strict=True):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            shutil.rmtree(place)
        contents[name] = _contents(part)
        part.replace(place)
    marker.write_text(json.dumps({"sha256": download.sha256, "parts": contents}) + "\n")
    shutil.rmtree(scratch)


def _is_complete(download: DatasetDownload, downloads: ArchiveSet, target: Path) -> bool:
    """Whether an archive's contents are there; refuses what has changed, or is somebody else's."""
    marker = target / _marker_of(download)
    if not marker.exists():
        place = target / download.folder
        if place.exists() and not downloads.shares_folder(download):
            raise _foreign(place)
        return False
    parts = json.loads(marker.read_text())["parts"]
    for name, expected in (parts or {}).items():
        found = _contents(target / name)
        if found != expected:
            raise _changed(target / name, found, expected)
    return parts is not None


def _marker_of(download: DatasetDownload) -> str:
    return f"{MARKER.removesuffix('.json')}-{download.archive}.json"


def _download(download: DatasetDownload, archive: Path, view: ProgressView, url: str) -> None:
    part = archive.with_name(f"{archive.name}.part")
    downloader = ResumingDownloader(part, download.archive_bytes, view)
    _require_room(
        archive.parent, download.archive_bytes - downloader.have() + download.unpacked_bytes
    )
    view.say(f"from      {url}" + (f", going on from {part}" if downloader.have() else ""))
    view.say(f"terms     {download.terms}")
    # It writes lines of its own.
    pooch.get_logger().setLevel(logging.ERROR)
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{download.sha256}",
            fname=archive.name,
            path=archive.parent,
            downloader=downloader,
        )
    except ValueError as error:
        kept = archive.with_name(f"{archive.name}.rejected")
        part.replace(kept)
        downloader.forget()
        raise _wrong_checksum(kept, download, url) from error
    downloader.forget()


def _require_checksum(archive: Path, download: DatasetDownload) -> None:
    if pooch.file_hash(str(archive), alg="sha256") != download.sha256:
        raise _wrong_checksum(archive, download, str(archive))


def _wrong_checksum(kept: Path, download: DatasetDownload, origin: str) -> DataError:
    with kept.open("rb") as file:
        content = describe_content(file.read(512))
    return DataError(
        f"{origin} is not the official {download.archive}: its checksum differs",
        found=f"sha256 {pooch.file_hash(str(kept), alg='sha256')}, {kept.stat().st_size:,} bytes, "
        f"{content}",
        expected=f"sha256 {download.sha256}, {download.archive_bytes:,} bytes",
        fix=f"look at {kept}, which was kept, and remove it; then fetch again, from another server "
        "with --url if it happens twice",
    )


def _require_folder(scratch: Path, download: DatasetDownload) -> None:
    if not (scratch / download.folder).is_dir():
        found = sorted(path.name for path in scratch.iterdir())
        shutil.rmtree(scratch)
        raise DataError(
            f"{download.archive} holds another data set",
            found=", ".join(found[:5]) or "nothing",
            expected=f"a folder {download.folder}",
        )


def _require_complete(target: Path) -> None:
    """Compares the number and size of files with those that were unpacked."""
    try:
        note = json.loads((target / MARKER).read_text())
        expected = {key: note[key] for key in ("files", "bytes")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _foreign(target) from error
    found = _contents(target)
    if found != expected:
        raise _changed(target, found, expected)


def _foreign(place: Path) -> DataError:
    return DataError(
        f"{place} is there already, and was not fetched by this command",
        found=", ".join(sorted(os.listdir(place))[:5]) if place.is_dir() else "a file",
        expected="nothing, or what an earlier fetch left",
        fix=f"`papergarden data check {place}` says whether it is complete; to fetch it anew, "
        "move it away or name another folder with --to",
    )


def _changed(place: Path, found: dict[str, int], expected: dict[str, int]) -> DataError:
    return DataError(
        f"{place} has changed since it was fetched",
        found=_in_words(found),
        expected=_in_words(expected),
        fix="move it away and fetch it again",
    )


def _contents(folder: Path) -> dict[str, int]:
    if folder.is_file():
        return {"files": 1, "bytes": folder.stat().st_size}
    sizes = [
        (Path(parent) / name).stat().st_size
        for parent, _, names in os.walk(folder)
        for name in names
        if name != MARKER
    ]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _in_words(contents: dict[str, int]) -> str:
    return f"{contents['files']:,} files, {contents['bytes']:,} bytes"


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RunError(
            f"there is not enough room in {folder}",
            found=f"{free / 1e6:,.0f} MB free",
            expected=f"{needed / 1e6:,.0f} MB for the archive and what it unpacks to",
            fix="make room, or name a folder on another disk with --to",
        )


@contextlib.contextmanager
def _locked(folder: Path, view: ProgressView) -> Iterator[None]:
    """Keeps a second fetch into the same folder waiting; it then finds everything done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("a")
    except OSError as error:
        raise RunError(
            f"{folder} cannot be written",
            found=error.strerror,
            expected="a folder this user may create files in",
            fix="name another folder with --to",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            view.say(f"waiting   another fetch into {folder} is at work")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
