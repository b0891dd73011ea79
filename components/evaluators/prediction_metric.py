"""A TFMA metric that scores records from the model's outputs alone, without labels.

A subclass says how one record is scored, and what the number over all records is. Records are
scored before TFMA shuffles them by slice, so that a few numbers travel through Beam instead of the
pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.constants import PREDICTIONS_KEY

Self = TypeVar("Self")


class Score(Protocol):
    """What is known of some records; made without arguments, of none."""

    def merge(self: Self, other: Self) -> Self:
        """What is known of the records of both."""


class PredictionMetric(tfma.metrics.Metric):
    """Base of the metrics; a subclass gives `metric_name`, `empty`, `score` and `result`.

    Attributes:
        metric_name: Name in results and gates.
        empty: The score of no records.
        suffixes: What the names of `further` values end with, behind the metric's own name.
    """

    metric_name: ClassVar[str]
    empty: ClassVar[Any]
    suffixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str = "") -> None:
        super().__init__(self._create_computations, name=name or self.metric_name)

    @staticmethod
    def score(outputs: Any) -> Any:
        """Scores one record from the outputs of the model's `evaluate` signature."""
        raise NotImplementedError

    @staticmethod
    def result(total: Any) -> float:
        """The metric's value over all records."""
        raise NotImplementedError

    @staticmethod
    def further(total: Any) -> tuple[float, ...]:
        """Values that are told beside it, for example its interval; one for each suffix."""
        return ()

    def _create_computations(
        self, name: str = "", model_names: list[str] | None = None
    ) -> list[tfma.metrics.MetricComputation]:
        computations = []
        for model_name in model_names or [""]:
            keys = [
                tfma.metrics.MetricKey(name=name + suffix, model_name=model_name)
                for suffix in ("", *self.suffixes)
            ]
            computations.append(
                tfma.metrics.MetricComputation(
                    keys=keys,
                    preprocessors=[_ScoreRecord(type(self), name, model_name)],
                    combiner=_CombineScores(type(self), keys),
                )
            )
        return computations


class _ScoreRecord(tfma.metrics.Preprocessor):
    """The outputs of one record -> its score."""

    def __init__(self, metric: type[PredictionMetric], name: str, model_name: str) -> None:
        # TFMA drops computations whose preprocessors share a name.
        super().__init__(name=f"score {name} of {model_name or 'the model'}")
        self._metric = metric
        self._model_name = model_name

    def process(self, extracts: Any) -> Iterator[Any]:
        outputs = extracts[PREDICTIONS_KEY]
        # With a single model TFMA leaves its name away.
        yield self._metric.score(outputs[self._model_name] if self._model_name else outputs)


class _CombineScores(beam.CombineFn):
    """Scores -> the metric's value and those beside it."""

    def __init__(
        self, metric: type[PredictionMetric], keys: Sequence[tfma.metrics.MetricKey]
    ) -> None:
        super().__init__()
        self._metric = metric
        self._keys = keys

    def create_accumulator(self) -> Any:
        return self._metric.empty

    def add_input(self, accumulator: Any, element: Any) -> Any:
        return accumulator.merge(element)

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        return functools.reduce(
            lambda first, second: first.merge(second), accumulators, self._metric.empty
        )

    def extract_output(self, accumulator: Any) -> dict[tfma.metrics.MetricKey, float]:
        values = (self._metric.result(accumulator), *self._metric.further(accumulator))
        return {key: float(value) for key, value in zip(self._keys, values, strict=True)}
