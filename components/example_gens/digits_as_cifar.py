"""A sample set: the real handwritten digits that scikit-learn ships, in CIFAR-10's binary layout.

1,797 gray digits of 8 x 8 pixels and 17 levels (UCI optical recognition of handwritten digits),
each pixel repeated 4 x 4 times in all three channels. The first 1,500 train, the last 297 test.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Protocol

import numpy as np

from components.errors import ConfigError, StackError
from components.example_gens.cifar_batch import SIDE
from components.example_gens.cifar_layout import BINARY_FOLDER, NUM_TRAIN_BATCHES, TEST_BATCH
from components.example_gens.labelled_image_config import LabelledImageDataConfig

NUM_TRAIN_RECORDS = 1_500
CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_DIGIT_SIDE = 8
_WHITE = 16


class HasData(Protocol):
    """A configuration that names a data set."""

    @property
    def data(self) -> LabelledImageDataConfig:
        """The section that names it."""


def sample_digits(config: HasData, directory: Path) -> Path:
    """The digits, for runs that name no data.

    Args:
        config: Only-BN's configuration.
        directory: Where they are kept.

    Returns:
        The data root.

    Raises:
        ConfigError: The run is not about a subset of CIFAR-10.
    """
    if config.data.dataset != "cifar10" or not config.data.subset:
        dataset = config.data.dataset
        raise ConfigError(
            f"this run needs the data set {dataset}",
            found="no --data-root",
            expected="the folder of its official files; `papergarden data fetch` gets some",
            fix="--data-root DIR, or --preset sample, which trains on handwritten digits",
        )
    return write_digits_as_cifar(directory)


def write_digits_as_cifar(directory: Path) -> Path:
    """Writes the digits as five training batches of 300 records and a test batch of 297.

    The number of records differs from CIFAR-10's, so it is read with `data.subset=true`. The same
    bytes are written every time.

    Args:
        directory: Where the folder `cifar-10-batches-bin` goes; made if need be.

    Returns:
        `directory`, to be used as data root.

    Raises:
        StackError: scikit-learn is not installed.
    """
    records = _records(*_digits())
    folder = directory / BINARY_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    train, test = np.split(records, [NUM_TRAIN_RECORDS])
    for number, batch in enumerate(np.split(train, NUM_TRAIN_BATCHES), start=1):
        _write(folder / f"data_batch_{number}.bin", batch.tobytes())
    _write(folder / f"{TEST_BATCH}.bin", test.tobytes())
    _write(folder / "batches.meta.txt", "".join(f"{name}\n" for name in CLASS_NAMES).encode())
    return directory


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """(`[1797, 8, 8]` levels from 0 to 16, `[1797]` labels)."""
    # Found without importing scikit-learn, which takes seconds.
    spec = importlib.util.find_spec("sklearn")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
            return table[:, :-1].reshape(-1, _DIGIT_SIDE, _DIGIT_SIDE), table[:, -1]
    raise StackError(
        "the sample digits are not installed",
        found="scikit-learn is missing" if spec is None else "scikit-learn without its data",
        expected="sklearn/datasets/data/digits.csv.gz",
        fix="pip install 'papergarden[pipelines]', or pass CIFAR-10 with --data-root",
    )


def _records(digits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`[records, 3073]` uint8: label, then three equal planes."""
    levels = ((digits.astype(np.int64) * 255 + _WHITE // 2) // _WHITE).astype(np.uint8)
    zoom = SIDE // _DIGIT_SIDE
    planes = levels.repeat(zoom, axis=1).repeat(zoom, axis=2).reshape(len(digits), -1)
    return np.concatenate([labels[:, None], planes, planes, planes], axis=1)


def _write(path: Path, content: bytes) -> None:
    """Writes a file so that another process sees all of it or nothing."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
