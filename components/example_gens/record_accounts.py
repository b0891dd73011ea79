"""The accounts of ExampleGen: records in = records out + records rejected, and why."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.errors import DataError
from components.example_gens.record_source import Record, RecordError, RecordSource

FILES_SHOWN = 20


def reject_entry(key: str, error: DataError) -> dict[str, Any]:
    """What is kept about a rejected record: `key`, `reason`, `what`, `found`, `expected`, `fix`."""
    return {
        "key": key,
        "reason": getattr(error, "reason", "unusable"),
        "what": error.what,
        "found": None if error.found is None else str(error.found),
        "expected": error.expected,
        "fix": error.fix,
    }


class ShardSummary:
    """Counts what becomes of a stretch of a split's records."""

    def __init__(self, split: str) -> None:
        self._split = split
        self._written = 0
        self._objects = 0
        self._conversions: collections.Counter[str] = collections.Counter()
        self._rejects: list[dict[str, Any]] = []
        self._rejected_objects: list[dict[str, Any]] = []

    def add(self, record: Record) -> None:
        """Counts a record that can be used."""
        self._written += 1
        self._objects += record.objects
        self._conversions.update(record.conversions)
        self._rejected_objects += [
            reject_entry(record.key, error) for error in record.rejected_objects
        ]

    def reject(self, key: str, error: DataError) -> None:
        """Counts a record that cannot be used."""
        self._rejects.append(reject_entry(key, error))

    def as_dict(self) -> dict[str, Any]:
        """Plain data, which `Accounts.of` adds up.

        Returns:
            `split`, `written`, `conversions` (name -> count) and `rejects`, a list of entries of
            `reject_entry`; where records list objects, `objects` and `rejected_objects` too.
        """
        objects = {"objects": self._objects, "rejected_objects": self._rejected_objects}
        return {
            "split": self._split,
            "written": self._written,
            "conversions": dict(self._conversions),
            "rejects": self._rejects,
            **(objects if self._objects else {}),
        }


@dataclass(frozen=True)
class Accounts:
    """What became of every record.

    Attributes:
        listed: Split -> records that the source listed.
        written: Split -> records written.
        conversions: Name of a conversion -> records it was made on, over all splits.
        rejects: One entry a rejected record: `split`, `key`, `reason`, `what`, `found`, `expected`,
            `fix`.
        objects: Objects listed for the written records, over all splits; 0 where none are.
        rejected_objects: One entry a rejected object, as in `rejects`; `key` is its record's.
    """

    listed: Mapping[str, int]
    written: Mapping[str, int]
    conversions: Mapping[str, int]
    rejects: list[dict[str, Any]]
    objects: int = 0
    rejected_objects: Sequence[dict[str, Any]] = ()

    @classmethod
    def of(cls, listed: Mapping[str, int], summaries: Iterable[Mapping[str, Any]]) -> Accounts:
        """Adds up what the shards have to say (see `ShardSummary`)."""
        written = dict.fromkeys(listed, 0)
        conversions: collections.Counter[str] = collections.Counter()
        rejects: dict[str, list[dict[str, Any]]] = {"rejects": [], "rejected_objects": []}
        objects = 0
        for summary in summaries:
            written[summary["split"]] += summary["written"]
            objects += summary.get("objects", 0)
            conversions.update(summary["conversions"])
            for name, entries in rejects.items():
                entries += [{"split": summary["split"], **one} for one in summary.get(name, ())]
        for entries in rejects.values():
            entries.sort(key=lambda entry: (entry["split"], entry["key"]))
        return cls(dict(listed), written, dict(conversions), objects=objects, **rejects)

    def rejected_by_reason(self) -> dict[str, int]:
        """Reason -> rejected records, over all splits."""
        return _by_reason(self.rejects)

    def rejected_objects_by_reason(self) -> dict[str, int]:
        """Reason -> rejected objects of written records, over all splits."""
        return _by_reason(self.rejected_objects)

    def rejected_in(self, split: str) -> int:
        """Rejected records of a split."""
        return sum(entry["split"] == split for entry in self.rejects)

    def counts(self) -> dict[str, Any]:
        """The content of `counts.json`."""
        objects = {
            "objects": {"listed": self.objects, "rejected": self.rejected_objects_by_reason()}
        }
        return {
            **(objects if self.objects else {}),
            "splits": {
                split: {
                    "listed": self.listed[split],
                    "written": self.written[split],
                    "rejected": self.rejected_in(split),
                }
                for split in self.listed
            },
            "rejected": self.rejected_by_reason(),
            "conversions": dict(self.conversions),
        }

    def check(self, data_root: str, source: RecordSource) -> None:
        """Refuses lost records, too many rejected ones or objects of them, and empty splits.

        Args:
            data_root: Names the data set in errors.
            source: Says which shares may be rejected.

        Raises:
            DataError: One of these is so.
        """
        for split, listed in self.listed.items():
            accounted = self.written[split] + self.rejected_in(split)
            if accounted != listed:
                raise DataError(
                    f"records of the split `{split}` of {data_root} were lost on the way",
                    found=f"{self.written[split]} written + {self.rejected_in(split)} rejected",
                    expected=f"{listed} in all",
                    fix="run again with --direct_running_mode=in_memory among the Beam options",
                )
        total = sum(self.listed.values())
        if len(self.rejects) > source.max_rejected_share * total:
            limit = source.max_rejected_share, "max_rejected_share"
            raise _too_many("records", self.rejects, total, limit, data_root)
        lost = len(self.rejected_objects)
        if lost and lost > source.max_rejected_objects_share * self.objects:
            limit = source.max_rejected_objects_share, "max_rejected_objects_share"
            raise _too_many("objects", self.rejected_objects, self.objects, limit, data_root)
        for split, written in self.written.items():
            if not written:
                raise DataError(
                    f"the split `{split}` of {data_root} has no record",
                    found=f"{self.listed[split]} listed, {self.rejected_in(split)} rejected",
                    expected="at least one record in every split",
                    fix="check that the data set is complete",
                )


def _by_reason(rejects: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return dict(collections.Counter(entry["reason"] for entry in rejects))


def _too_many(
    kind: str,
    rejects: Sequence[dict[str, Any]],
    total: int,
    limit: tuple[float, str],
    data_root: str,
) -> DataError:
    """The error of the only culprit itself, or a summary of them all."""
    faults = {(entry["key"], entry["what"]): entry for entry in rejects}
    if len(faults) == 1:
        (fault,) = faults.values()
        return RecordError(
            fault["reason"],
            fault["what"],
            found=fault["found"],
            expected=fault["expected"],
            fix=fault["fix"],
        )
    reasons = ", ".join(f"{count} {name}" for name, count in _by_reason(rejects).items())
    lines = [f"{len(rejects)} of {total} {kind}: {reasons}"]
    for fault in list(faults.values())[:FILES_SHOWN]:
        lines.append(f"            {fault['reason']}: {fault['what']} ({fault['found']})")
    if len(faults) > FILES_SHOWN:
        lines.append(f"            … and {len(faults) - FILES_SHOWN} more")
    share, setting = limit
    return DataError(
        f"too many {kind} of {data_root} cannot be used",
        found="\n".join(lines),
        expected=f"at most a share of {share:g} rejected (data.{setting})",
        fix=f"repair or remove these files, or raise data.{setting}",
    )
