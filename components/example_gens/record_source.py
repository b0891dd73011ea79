"""What a data set hands to the shared ExampleGen: its splits, its records, its fingerprint.

A data set is a subclass of `RecordSource`. It knows nothing of TFX or Beam, so it is tested by
calling it.
"""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from components.errors import DataError

AUGMENT_SEED = "augment/seed"

FeatureValue: TypeAlias = (
    bytes | int | Sequence[int] | Sequence[bytes] | Sequence[float] | np.ndarray
)


class RecordError(DataError):
    """A record that cannot be used. It is counted under `reason` and listed, or ends the run.

    Args:
        reason: A word for the kind of fault, for example `truncated`.
        what: What happened, naming the file.
        found: The offending value.
        expected: What would have been accepted.
        fix: What the user can do about it.
    """

    def __init__(
        self,
        reason: str,
        what: str,
        *,
        found: object = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what, found=found, expected=expected, fix=fix)
        self.reason = reason


@dataclass(frozen=True)
class Record:
    """A record that passed every check.

    Attributes:
        key: Names the record within the data set and determines its seed; the same in every split.
        features: Feature key -> value, without `augment/seed`.
        conversions: What was changed on the way in, for example `palette_expanded`; counted.
        objects: Objects that the data set lists for it, where it lists any.
        rejected_objects: Why some of them were left out; counted and listed.
    """

    key: str
    features: Mapping[str, FeatureValue]
    conversions: tuple[str, ...] = ()
    objects: int = 0
    rejected_objects: tuple[RecordError, ...] = ()


class RecordSource(abc.ABC):
    """A data set in its official layout.

    Building one must be cheap: the files are read by the methods. References are small and can be
    pickled, for they travel to the workers that read the records.

    Attributes:
        SPLITS: The official splits, in order.
        RECORDS_PER_SHARD: Records in one file of the output.
        OFFICIAL_RECORDS: Split -> records of the whole data set, where it has an official number.
        max_rejected_share: The run fails when a larger share of the records is rejected.
        max_rejected_objects_share: The same for the objects of the records that are not.
    """

    SPLITS: ClassVar[tuple[str, ...]]
    RECORDS_PER_SHARD: ClassVar[int] = 256
    OFFICIAL_RECORDS: ClassVar[Mapping[str, int]] = {}

    max_rejected_share: float = 0.0
    max_rejected_objects_share: float = 0.0

    @classmethod
    @abc.abstractmethod
    def from_settings(cls, data_root: str, settings: Mapping[str, Any]) -> RecordSource:
        """Builds the source from the folder (or file) and JSON-able settings."""

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Names the state of the data; never looks at times. See `fingerprints.py`."""

    @abc.abstractmethod
    def references(self, split: str) -> Sequence[Any]:
        """The records of a split, in the order they are written.

        Raises:
            DataError: The data set as a whole cannot be used.
        """

    @abc.abstractmethod
    def key(self, reference: Any) -> str:
        """Names the record that a reference leads to."""

    @abc.abstractmethod
    def read(self, reference: Any) -> Record:
        """Reads and checks one record.

        Raises:
            RecordError: The record cannot be used.
        """


def augment_seed(key: str) -> tuple[int, int]:
    """The seed of a record: two int64 out of the sha256 of its key.

    It does not depend on the position in the data set, so that adding a record leaves the random
    choices of the others as they were.
    """
    digest = hashlib.sha256(key.encode()).digest()
    return (
        int.from_bytes(digest[:8], "little", signed=True),
        int.from_bytes(digest[8:16], "little", signed=True),
    )
