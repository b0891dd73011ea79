"""One batch file of CIFAR-10, in either official layout, as arrays.

Binary: records of 1 + 3072 bytes, the label and the red, green and blue planes, row by row.
Python: a pickled dictionary with `labels`, and `data` `[records, 3072]` in the same order.
(https://www.cs.toronto.edu/~kriz/cifar.html)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.cifar_pickle import unpickle_batch
from components.example_gens.file_kinds import describe_content

SIDE = 32
PIXEL_BYTES = 3 * SIDE * SIDE
RECORD_BYTES = 1 + PIXEL_BYTES
_CIFAR_100_RECORD_BYTES = 2 + PIXEL_BYTES
_MAX_LABEL = 255


@dataclass(frozen=True)
class CifarBatch:
    """The records of a batch file.

    Attributes:
        labels: `[records]`, not yet checked against the number of classes.
        images: `[records, 32, 32, 3]` uint8.
    """

    labels: np.ndarray
    images: np.ndarray

    def __len__(self) -> int:
        """Records."""
        return len(self.labels)


def read_binary_batch(path: str) -> CifarBatch:
    """Reads a `.bin` file.

    Raises:
        DataError: It is missing, or not a whole number of records.
    """
    content = file_access.read_bytes(path)
    if not content or len(content) % RECORD_BYTES:
        raise _wrong_length(path, content)
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    return CifarBatch(records[:, 0], _images(records[:, 1:]))


def read_python_batch(path: str) -> CifarBatch:
    """Reads a pickled batch.

    Raises:
        DataError: It is missing, damaged, carries code, or holds other arrays than CIFAR-10's.
    """
    batch = unpickle_batch(path, file_access.read_bytes(path))
    data, labels = batch.get("data"), batch.get("labels")
    if not isinstance(data, np.ndarray) or not isinstance(labels, list):
        coarse = "fine_labels" in batch
        raise DataError(
            f"{path} is not a batch of CIFAR-10",
            found="CIFAR-100" if coarse else f"the keys {', '.join(sorted(batch)) or '(none)'}",
            expected="`data`, an array of bytes, and `labels`, a list",
            fix="use cifar-10-python.tar.gz",
        )
    if data.ndim != 2 or data.shape[1] != PIXEL_BYTES:
        raise DataError(
            f"{path} holds images of another size",
            found=f"an array of shape {list(data.shape)}",
            expected=f"[records, {PIXEL_BYTES}]: 3 x {SIDE} x {SIDE} bytes an image",
            fix="use cifar-10-python.tar.gz as it is; other sizes are read as Tiny ImageNet or "
            "ImageNet",
        )
    if len(labels) != len(data) or not len(data):
        raise DataError(
            f"{path} does not hold one label an image",
            found=f"{len(labels)} labels, {len(data)} images",
            expected="as many labels as images, at least one",
            fix="download cifar-10-python.tar.gz again",
        )
    return CifarBatch(_checked_labels(path, labels), _images(data))


def _images(pixels: np.ndarray) -> np.ndarray:
    """`[records, 3072]` planes -> `[records, 32, 32, 3]`."""
    return np.ascontiguousarray(pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))


def _checked_labels(path: str, labels: list[object]) -> np.ndarray:
    """Labels as numbers; whether there is such a class is asked record by record."""
    for index, label in enumerate(labels):
        if not isinstance(label, int) or not 0 <= label <= _MAX_LABEL:
            raise DataError(
                f"{path} holds a label that is no class number",
                found=f"{label!r} at record {index}",
                expected="0 to 9",
                fix="download cifar-10-python.tar.gz again",
            )
    return np.array(labels, np.uint8)


def _wrong_length(path: str, content: bytes) -> DataError:
    whole, rest = divmod(len(content), RECORD_BYTES)
    if content and len(content) % _CIFAR_100_RECORD_BYTES == 0:
        return DataError(
            f"{path} has records of another length",
            found=f"{len(content):,} bytes, whole records of {_CIFAR_100_RECORD_BYTES} bytes: "
            "CIFAR-100 has two labels a record",
            expected=f"records of {RECORD_BYTES} bytes (1 label + {PIXEL_BYTES} pixel bytes)",
            fix="use cifar-10-binary.tar.gz",
        )
    return DataError(
        f"{path} is truncated, or its records have another length",
        found=describe_content(content)
        if not whole
        else f"{len(content):,} bytes: {whole} whole records and {rest} bytes more",
        expected=f"a whole number of records of {RECORD_BYTES} bytes (30,730,000 bytes in the "
        "official files)",
        fix="download cifar-10-binary.tar.gz again and unpack it",
    )
