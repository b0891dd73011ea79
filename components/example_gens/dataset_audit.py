"""Reads every record of a data set as ExampleGen will, and says what is there.

No TFX and no Beam: what a run would refuse is known within the time that reading takes.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.errors import DataError
from components.example_gens.labelled_image_features import CLASS_LABEL, CLASS_TEXT
from components.example_gens.record_accounts import Accounts, ShardSummary
from components.example_gens.record_source import Record, RecordSource

# (records read, records in all)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Audit:
    """What a data set holds.

    Attributes:
        accounts: What became of every record of the splits that could be listed.
        faults: Split -> why it cannot be read at all.
        classes: Split -> name of a class -> usable records; empty where records have no class.
        official: Split -> records of the whole data set, as far as it has an official number.
        allowed_objects_share: The share of single objects that may be left out.
    """

    accounts: Accounts
    faults: Mapping[str, DataError]
    classes: Mapping[str, Mapping[str, int]]
    official: Mapping[str, int]
    allowed_objects_share: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether every split has records, and every record and enough objects can be used."""
        return (
            not self.faults
            and not self.accounts.rejects
            and self.has_enough_objects
            and all(self.accounts.written[split] for split in self.accounts.listed)
        )

    @property
    def has_enough_objects(self) -> bool:
        """Whether no more objects are left out than a run accepts."""
        left_out = len(self.accounts.rejected_objects)
        return left_out <= self.allowed_objects_share * self.accounts.objects

    @property
    def is_whole(self) -> bool | None:
        """Whether every split has its official number of records; None if there is no such."""
        listed = self.accounts.listed
        if not self.official:
            return None
        return all(listed.get(split) == number for split, number in self.official.items())


def audit(source: RecordSource, progress: Progress) -> Audit:
    """Reads every record.

    Args:
        source: The data set.
        progress: Told after every record how many are read.
    """
    references: dict[str, Sequence[Any]] = {}
    faults: dict[str, DataError] = {}
    for split in source.SPLITS:
        try:
            references[split] = source.references(split)
        except DataError as error:
            faults[split] = error
    total = sum(len(found) for found in references.values())
    before = 0
    summaries, classes = [], {}
    for split, found in references.items():
        reading = _SplitReading(source, split)
        for position, reference in enumerate(found, start=before + 1):
            reading.take(reference)
            progress(position, total)
        before += len(found)
        summaries.append(reading.summary())
        classes[split] = reading.classes()
    listed = {split: len(found) for split, found in references.items()}
    return Audit(
        Accounts.of(listed, summaries),
        faults,
        classes,
        source.OFFICIAL_RECORDS,
        source.max_rejected_objects_share,
    )


class _SplitReading:
    """Counts what reading a split gives."""

    def __init__(self, source: RecordSource, split: str) -> None:
        self._source = source
        self._summary = ShardSummary(split)
        # By number: two classes of ImageNet are called crane.
        self._classes: collections.Counter[tuple[int, str]] = collections.Counter()

    def take(self, reference: Any) -> None:
        """Reads one record."""
        try:
            record = self._source.read(reference)
        except DataError as error:
            self._summary.reject(self._source.key(reference), error)
            return
        self._summary.add(record)
        self._classes.update(_class_of(record))

    def summary(self) -> dict[str, Any]:
        """What `Accounts.of` adds up."""
        return self._summary.as_dict()

    def classes(self) -> dict[str, int]:
        """Name of a class -> records, in the order of the labels."""
        names = collections.Counter(name for _, name in self._classes)
        return {
            name if names[name] == 1 else f"{name} ({label})": count
            for (label, name), count in sorted(self._classes.items())
        }


def _class_of(record: Record) -> list[tuple[int, str]]:
    label, name = record.features.get(CLASS_LABEL), record.features.get(CLASS_TEXT)
    if not isinstance(label, int):
        return []
    return [(label, name.decode(errors="replace") if isinstance(name, bytes) else str(label))]
