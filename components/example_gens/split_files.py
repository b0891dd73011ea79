"""Where a split's records are inside an Examples artifact, and how many there must be."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import tensorflow as tf

from components.errors import DataError

COUNTS_FILE = "counts.json"
REJECTS_FILE = "rejects.json"
REJECTED_OBJECTS_FILE = "rejected_objects.json"

_COMPRESSION = "GZIP"


def split_dir(examples_uri: str, split: str) -> str:
    """The folder of a split, as TFX names it."""
    return f"{examples_uri.rstrip('/')}/Split-{split}"


def split_files(examples_uri: str, split: str) -> list[str]:
    """The TFRecord files of a split, in order.

    Raises:
        DataError: There is none.
    """
    folder = split_dir(examples_uri, split)
    files = sorted(tf.io.gfile.glob(f"{folder}/*.gz"))
    if not files:
        raise DataError(
            f"the split `{split}` has no records",
            found=f"no .gz file in {folder}",
            expected="the TFRecord files that ExampleGen wrote",
            fix="run again; if the folder was deleted by hand, delete the whole artifact folder",
        )
    return files


def read_records(files: Sequence[str]) -> tf.data.Dataset:
    """The serialized records of TFRecord files, in order; scalar strings."""
    return tf.data.TFRecordDataset(list(files), compression_type=_COMPRESSION)


def expected_records(examples_uri: str, split: str) -> int:
    """How many records ExampleGen wrote into a split.

    Raises:
        DataError: The artifact does not say.
    """
    path = f"{examples_uri.rstrip('/')}/{COUNTS_FILE}"
    try:
        with tf.io.gfile.GFile(path) as file:
            return int(json.loads(file.read())["splits"][split]["written"])
    except (tf.errors.NotFoundError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} does not tell the number of records of the split `{split}`",
            found=error,
            expected='{"splits": {"<split>": {"written": <number>}}}',
            fix="run again without the cache, so that ExampleGen writes it anew",
        ) from error


def count_records(examples_uri: str, split: str) -> int:
    """Counts the records of a split by reading them all.

    Raises:
        DataError: There is no file, or one of them is truncated or damaged; it is named.
    """
    return sum(_count_in_file(path) for path in split_files(examples_uri, split))


def check_split_files(files: Sequence[str], stage: str) -> int:
    """Reads a split's files to the end before a stage uses them; checks the number of records.

    Args:
        files: All TFRecord files of one split, inside the folder that ExampleGen made.
        stage: Names who reads them, for example `Trainer`.

    Returns:
        The number of records.

    Raises:
        DataError: There is no file, one is truncated or damaged, or records are missing.
    """
    if not files:
        raise DataError(f"{stage} was given no TFRecord file", expected="the files of a split")
    folder = os.path.dirname(files[0])
    examples_uri, name = os.path.split(folder)
    found = sum(_count_in_file(path) for path in files)
    check_record_count(examples_uri, name.removeprefix("Split-"), found, stage)
    return found


def check_record_count(examples_uri: str, split: str, found: int, stage: str) -> None:
    """Holds the number of records that a stage saw against what ExampleGen wrote.

    Args:
        examples_uri: The Examples artifact.
        split: The split.
        found: Records that the stage saw.
        stage: Names it, for example `Trainer`.

    Raises:
        DataError: The numbers differ.
    """
    expected = expected_records(examples_uri, split)
    if found != expected:
        # A damaged file is the likeliest cause; counting names it.
        count_records(examples_uri, split)
        raise DataError(
            f"{stage} saw another number of records than ExampleGen wrote into `{split}`",
            found=f"{found} records",
            expected=f"{expected} records ({examples_uri})",
            fix="run again; with Beam's multi_processing mode, use --direct_running_mode=in_memory",
        )


def _count_in_file(path: str) -> int:
    count = 0
    try:
        for _ in read_records([path]):
            count += 1
    except tf.errors.OpError as error:
        raise DataError(
            f"the TFRecord file {path} is truncated or damaged",
            found=f"{count} whole records, then: {error.message.splitlines()[0]}",
            expected="whole records to the end of the file",
            fix="delete the folder that holds it and run again: ExampleGen writes it anew",
        ) from error
    return count
