"""CIFAR-10 in its two official layouts, with the official splits; the same records from both."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from components.errors import ConfigError, DataError
from components.example_gens import labelled_image_features as keys
from components.example_gens.cifar_batch import (
    SIDE,
    CifarBatch,
    read_binary_batch,
    read_python_batch,
)
from components.example_gens.cifar_layout import CifarLayout, find_layout
from components.example_gens.fingerprints import fingerprint_of_contents
from components.example_gens.labelled_image_config import LabelledImageDataConfig, config_of
from components.example_gens.record_source import Record, RecordError, RecordSource

OFFICIAL_RECORDS_PER_BATCH = 10_000


class CifarReference(NamedTuple):
    """One record: the batch it is in, without ending, and its position from 0."""

    batch: str
    position: int


class CifarSource(RecordSource):
    """CIFAR-10: 50,000 records in `train`, the official test set of 10,000 in `eval`.

    Pixels travel as PNG: 2.3 KB a record instead of 3.1 KB raw, without loss, and the features are
    those of every other data set.
    """

    SPLITS = ("train", "eval")
    RECORDS_PER_SHARD = 2_500
    OFFICIAL_RECORDS = {"train": 50_000, "eval": 10_000}

    def __init__(self, data_root: str, config: LabelledImageDataConfig) -> None:
        self.data_root = data_root
        self.config = config
        self.max_rejected_share = config.max_rejected_share
        self._found_layout: CifarLayout | None = None
        self._class_names: list[bytes] | None = None
        # Records are read in order, so the last batch file is kept: 31 MB.
        self._last_batch: tuple[str, CifarBatch] | None = None

    @classmethod
    def from_settings(cls, data_root: str, settings: Mapping[str, Any]) -> CifarSource:
        """Takes the fields of `LabelledImageDataConfig`."""
        config = config_of(settings)
        if config.dataset != "cifar10":
            raise ConfigError("this reads CIFAR-10", found=f"data.dataset={config.dataset}")
        return cls(data_root, config)

    def fingerprint(self) -> str:
        """sha256 over the names and contents of the batch files and the class names."""
        layout = self._layout()
        names = [layout.meta_file]
        names += [layout.file_of(batch) for split in self.SPLITS for batch in self._batches(split)]
        return fingerprint_of_contents((name, layout.path(name)) for name in names)

    def references(self, split: str) -> Sequence[CifarReference]:
        """All records of a split, batch by batch."""
        self._names()
        return [
            CifarReference(batch, index)
            for batch in self._batches(split)
            for index in range(len(self._checked_batch(batch)))
        ]

    def key(self, reference: CifarReference) -> str:
        """For example `data_batch_1/00017`, whichever the layout."""
        return f"{reference.batch}/{reference.position:05d}"

    def read(self, reference: CifarReference) -> Record:
        """Encodes one record as PNG."""
        batch = self._batch(reference.batch)
        label = int(batch.labels[reference.position])
        names = self._names()
        key = self.key(reference)
        if label >= len(names):
            raise RecordError(
                "label_out_of_range",
                f"record {reference.position} of {reference.batch} has a label without a class",
                found=label,
                expected=f"0 to {len(names) - 1}",
                fix="download CIFAR-10 again; if the records were made, number classes from 0",
            )
        return Record(
            key,
            {
                keys.IMAGE_ENCODED: _png(batch.images[reference.position]),
                keys.IMAGE_HEIGHT: SIDE,
                keys.IMAGE_WIDTH: SIDE,
                keys.IMAGE_CHANNELS: 3,
                keys.IMAGE_ID: key.encode(),
                keys.CLASS_LABEL: label,
                keys.CLASS_TEXT: names[label],
            },
        )

    def _layout(self) -> CifarLayout:
        if self._found_layout is None:
            self._found_layout = find_layout(self.data_root)
        return self._found_layout

    def _batches(self, split: str) -> list[str]:
        layout = self._layout()
        return layout.train_batches(self.config.subset) if split == "train" else layout.test_batch()

    def _names(self) -> list[bytes]:
        if self._class_names is None:
            self._class_names = self._layout().class_names()
        return self._class_names

    def _batch(self, name: str) -> CifarBatch:
        if self._last_batch is None or self._last_batch[0] != name:
            layout = self._layout()
            read = read_binary_batch if layout.binary else read_python_batch
            self._last_batch = name, read(layout.path(layout.file_of(name)))
        return self._last_batch[1]

    def _checked_batch(self, name: str) -> CifarBatch:
        batch = self._batch(name)
        if not self.config.subset and len(batch) != OFFICIAL_RECORDS_PER_BATCH:
            layout = self._layout()
            raise DataError(
                f"{layout.path(layout.file_of(name))} does not hold the official number of records",
                found=f"{len(batch):,} records",
                expected=f"{OFFICIAL_RECORDS_PER_BATCH:,} records",
                fix="download it again, or accept a subset with --set data.subset=true",
            )
        return batch


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    # Level 1 is written twice as fast as the default, and is 2 % larger.
    Image.fromarray(image).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
