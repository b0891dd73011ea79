"""Data sets with a folder a class, named by its WordNet id (synset): what is there, and how big."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.errors import DataError
from components.example_gens import file_access

SYNSET = re.compile(r"n\d{8}")
PICTURE_SUFFIXES = (".jpeg", ".jpg", ".png")


class PictureReference(NamedTuple):
    """One picture: its path below the data root, and its class's number from 0."""

    path: str
    label: int


def synset_folders(folder: str) -> list[str]:
    """Names of the synset folders inside a folder, sorted.

    Raises:
        DataError: There is no such folder.
    """
    if not file_access.is_folder(folder):
        raise DataError(f"{folder} is a file", expected="a folder of synset folders")
    if file_access.is_remote(folder):
        import tensorflow as tf

        names = [name.rstrip("/") for name in tf.io.gfile.listdir(folder)]
    else:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    return sorted(name for name in names if SYNSET.fullmatch(name))


def picture_files(folder: str) -> list[str]:
    """Names of the pictures in a class's folder, in natural order.

    Raises:
        DataError: There is no such folder, or no picture in it.
    """
    names = file_access.list_files(folder)
    found = [name for name in names if name.lower().endswith(PICTURE_SUFFIXES)]
    if not found:
        raise DataError(
            f"the class folder {folder} is empty",
            found=f"{len(names)} files, none of them a picture",
            expected=f"pictures ({', '.join(PICTURE_SUFFIXES)})",
            fix="unpack the class's archive again, or remove the folder if the class is not wanted",
        )
    return found


def require_classes(folder: str, found: Sequence[str], official: int, subset: bool) -> None:
    """Holds the number of classes against the official one.

    Raises:
        DataError: There is none, or another number where no subset is accepted.
    """
    if found and (subset or len(found) == official):
        return
    raise DataError(
        f"{folder} does not hold the official number of classes",
        found=f"{len(found)} classes",
        expected=f"{official} synset folders, for example n01440764"
        if not subset
        else "at least one synset folder, for example n01440764",
        fix="unpack the data set again, or accept a subset with --set data.subset=true",
    )


def require_records(what: str, found: int, official: int, subset: bool) -> None:
    """Holds the number of a split's records against the official one.

    Raises:
        DataError: It is another one where no subset is accepted.
    """
    if not subset and found != official:
        raise DataError(
            f"{what} does not hold the official number of pictures",
            found=f"{found:,}",
            expected=f"{official:,}",
            fix="unpack the data set again, or accept a subset with --set data.subset=true",
        )


def names_and_sizes(root: str, references: Sequence[PictureReference]) -> Iterator[tuple[str, int]]:
    """(name, bytes) of the pictures, for the fingerprint. The label is part of the name."""
    for reference in references:
        path = file_access.join(root, reference.path)
        yield f"{reference.path}={reference.label}", _size(path)


def _size(path: str) -> int:
    if file_access.is_remote(path):
        import tensorflow as tf

        return int(tf.io.gfile.stat(path).length)
    return os.stat(path).st_size
