"""The accounts of ExampleGen: records in = records out + records rejected, and why."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components.errors import DataError
from components.example_gens.record_source import RecordError, RecordSource

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


@dataclass(frozen=True)
class Accounts:
    """What became of every record.

    Attributes:
        listed: Split -> records that the source listed.
        written: Split -> records written.
        conversions: Name of a conversion -> records it was made on, over all splits.
        rejects: One entry a rejected record: `split`, `key`, `reason`, `what`, `found`, `expected`,
            `fix`.
    """

    listed: Mapping[str, int]
    written: Mapping[str, int]
    conversions: Mapping[str, int]
    rejects: list[dict[str, Any]]

    @classmethod
    def of(cls, listed: Mapping[str, int], summaries: Iterable[Mapping[str, Any]]) -> Accounts:
        """Adds up what the shards have to say (see `record_writer.write_shard`)."""
        written = dict.fromkeys(listed, 0)
        conversions: collections.Counter[str] = collections.Counter()
        rejects: list[dict[str, Any]] = []
        for summary in summaries:
            written[summary["split"]] += summary["written"]
            conversions.update(summary["conversions"])
            rejects += [{"split": summary["split"], **entry} for entry in summary["rejects"]]
        rejects.sort(key=lambda entry: (entry["split"], entry["key"]))
        return cls(dict(listed), written, dict(conversions), rejects)

    def rejected_by_reason(self) -> dict[str, int]:
        """Reason -> rejected records, over all splits."""
        return dict(collections.Counter(entry["reason"] for entry in self.rejects))

    def rejected_in(self, split: str) -> int:
        """Rejected records of a split."""
        return sum(entry["split"] == split for entry in self.rejects)

    def counts(self) -> dict[str, Any]:
        """The content of `counts.json`."""
        return {
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
        """Refuses lost records, too many rejected ones, and empty splits.

        Args:
            data_root: Names the data set in errors.
            source: Says which share may be rejected.

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
            raise self._too_many(data_root, total, source.max_rejected_share)
        for split, written in self.written.items():
            if not written:
                raise DataError(
                    f"the split `{split}` of {data_root} has no record",
                    found=f"{self.listed[split]} listed, {self.rejected_in(split)} rejected",
                    expected="at least one record in every split",
                    fix="check that the data set is complete",
                )

    def _too_many(self, data_root: str, total: int, limit: float) -> DataError:
        """The error of the only culprit itself, or a summary of them all."""
        faults = {entry["key"]: entry for entry in self.rejects}
        if len(faults) == 1:
            (fault,) = faults.values()
            return RecordError(
                fault["reason"],
                fault["what"],
                found=fault["found"],
                expected=fault["expected"],
                fix=fault["fix"],
            )
        reasons = ", ".join(f"{count} {name}" for name, count in self.rejected_by_reason().items())
        lines = [f"{len(self.rejects)} of {total} records: {reasons}"]
        for fault in list(faults.values())[:FILES_SHOWN]:
            lines.append(f"            {fault['reason']}: {fault['what']} ({fault['found']})")
        if len(faults) > FILES_SHOWN:
            lines.append(f"            … and {len(faults) - FILES_SHOWN} more")
        return DataError(
            f"too many records of {data_root} cannot be used",
            found="\n".join(lines),
            expected=f"at most a share of {limit:g} rejected (data.max_rejected_share)",
            fix="repair or remove these files, or raise data.max_rejected_share",
        )
