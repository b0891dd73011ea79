"""How many records were evaluated, to be held against what the stages before counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from components.evaluators.prediction_metric import PredictionMetric


@dataclass(frozen=True)
class RecordCount:
    """A number of records."""

    records: int = 0

    def merge(self, other: RecordCount) -> RecordCount:
        """The records of both."""
        return RecordCount(self.records + other.records)


class RecordsEvaluated(PredictionMetric):
    """Counts the records that the model gave outputs for."""

    metric_name: ClassVar[str] = "records_evaluated"
    empty: ClassVar[RecordCount] = RecordCount()

    @staticmethod
    def score(outputs: Any) -> RecordCount:
        """One."""
        return RecordCount(1)

    @staticmethod
    def result(total: RecordCount) -> float:
        """The count."""
        return float(total.records)
