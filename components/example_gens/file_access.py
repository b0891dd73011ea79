"""Reading files and folders, local or remote (`gs://…`), with errors that name the path."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from components.errors import DataError

_CHUNK_BYTES = 2**22
_IGNORED_NAMES = frozenset({"Thumbs.db", "desktop.ini"})


def is_remote(path: str) -> bool:
    """Whether the path belongs to a remote file system, which TensorFlow reads."""
    return "://" in path


def is_folder(path: str) -> bool:
    """Whether the path is a folder; if not, it is a file.

    Raises:
        DataError: There is nothing at the path, or it may not be looked at.
    """
    with _explained(path):
        if is_remote(path):
            import tensorflow as tf

            return bool(tf.io.gfile.isdir(path)) or not tf.io.gfile.stat(path).length
        return stat.S_ISDIR(os.stat(path).st_mode)


def read_bytes(path: str) -> bytes:
    """The contents of a file.

    Raises:
        DataError: There is no such file, or it may not be read.
    """
    with _explained(path):
        if is_remote(path):
            import tensorflow as tf

            with tf.io.gfile.GFile(path, "rb") as file:
                return bytes(file.read())
        return Path(path).read_bytes()


def open_local(path: str) -> IO[bytes]:
    """Opens a file for reading by position; a remote one is copied to this machine first.

    Raises:
        DataError: There is no such file, or it may not be read.
    """
    with _explained(path):
        if not is_remote(path):
            return open(path, "rb")
        import tensorflow as tf

        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        with tf.io.gfile.GFile(path, "rb") as file:
            shutil.copyfileobj(file, copy, _CHUNK_BYTES)
        copy.seek(0)
        return copy


def sha256(path: str) -> str:
    """sha256 of a file's contents, which need not fit into memory; 64 hexadecimal digits.

    Raises:
        DataError: There is no such file, or it may not be read.
    """
    digest = hashlib.sha256()
    with open_local(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def list_files(folder: str) -> list[str]:
    """Names of the files directly in a folder in natural order, without hidden ones.

    Raises:
        DataError: There is no such folder, or it may not be listed.
    """
    with _explained(folder):
        if is_remote(folder):
            import tensorflow as tf

            names = [name for name in tf.io.gfile.listdir(folder) if not name.endswith("/")]
        else:
            names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    kept = [name for name in names if not name.startswith(".") and name not in _IGNORED_NAMES]
    return sorted(kept, key=natural_order)


def natural_order(name: str) -> tuple[tuple[int | str, ...], str]:
    """A sorting key that puts `frame2` before `frame10`; ties are broken by the plain name."""
    parts = re.split(r"(\d+)", name)
    return tuple(int(part) if part.isdecimal() else part.lower() for part in parts), name


def join(folder: str, name: str) -> str:
    """The path of a name inside a folder, local or remote."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else os.path.join(folder, name)


def parent_and_name(path: str) -> tuple[str, str]:
    """(folder, name) of a file's path, local or remote."""
    if is_remote(path):
        folder, _, name = path.rpartition("/")
        return folder, name
    return os.path.split(path)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turns what the operating system or TensorFlow says into a DataError about the path."""
    if is_remote(path):
        import tensorflow as tf

        try:
            yield
        except tf.errors.NotFoundError as error:
            raise _missing(path) from error
        except tf.errors.PermissionDeniedError as error:
            raise _forbidden(path) from error
        except tf.errors.OpError as error:
            raise _unreadable(path, error.message) from error
        return
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(path) from error
    except PermissionError as error:
        raise _forbidden(path) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _missing(path: str) -> DataError:
    folder = path
    while not is_remote(folder) and folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return DataError(
        f"there is no file or folder at {path}",
        found=f"the nearest folder that exists is {folder}" if folder else None,
        expected="an existing file or folder",
        fix="check the spelling of --data-root, or leave it out for the paper's sample data",
    )


def _forbidden(path: str) -> DataError:
    return DataError(
        f"no permission to read {path}",
        found=f"running as user {os.getuid()}" if hasattr(os, "getuid") else None,
        expected="read permission on the file, and on every folder above it",
        fix=f"chmod a+rX {path}" if not is_remote(path) else "grant this account read access",
    )


def _unreadable(path: str, reason: str) -> DataError:
    return DataError(
        f"cannot read {path}",
        found=reason,
        expected="a readable file or folder",
        fix="check the disk, mount or network that holds it",
    )
