"""TFMA metrics that derive from one accumulator: each record is read once for all of them.

Records are read before TFMA shuffles them by slice, so that what was read travels through Beam and
not the model's outputs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.constants import PREDICTIONS_KEY

Record = TypeVar("Record")
Contravariant = TypeVar("Contravariant", contravariant=True)


class Accumulator(Protocol[Contravariant]):
    """What is known of some records."""

    def add(self, record: Contravariant) -> None:
        """Adds a record, as it was read."""

    def merge(self, other: Any) -> Any:
        """Adds the records of another accumulator, which stays as it is."""

    def settle(self) -> None:
        """Becomes small, before it travels."""


def _as_it_is(accumulator: Any) -> Any:
    return accumulator


@dataclass(frozen=True)
class SharedAccumulator(Generic[Record]):
    """How records are read and accumulated; metrics with equal names share it.

    Attributes:
        name: Names the accumulator within an evaluation.
        read: The outputs of the `evaluate` signature for one record -> what is accumulated.
        empty: Makes an accumulator of no records.
        finish: The accumulator of all records -> what the metrics derive from.
    """

    name: str
    read: Callable[[Any], Record]
    empty: Callable[[], Accumulator[Record]]
    finish: Callable[[Any], Any] = _as_it_is

    def computations(
        self,
        names: Sequence[str],
        result: Callable[[Any], Iterable[float | str]],
        model_names: Sequence[str] | None,
    ) -> list[Any]:
        """What TFMA computes for one metric.

        Args:
            names: Names of the metric's values.
            result: What `finish` gave -> the values, in the order of their names.
            model_names: The models that are evaluated; none for a single model without a name.
        """
        computations: list[Any] = []
        for model_name in model_names or [""]:
            # TFMA leaves out of the results what begins with an underscore.
            shared = tfma.metrics.MetricKey(name=f"_{self.name}", model_name=model_name)
            keys = [tfma.metrics.MetricKey(name=one, model_name=model_name) for one in names]
            computations += [
                tfma.metrics.MetricComputation(
                    keys=[shared],
                    preprocessors=[_ReadRecord(self, model_name)],
                    combiner=_CombineRecords(self, shared),
                ),
                tfma.metrics.DerivedMetricComputation(
                    keys=keys, result=functools.partial(_derived, shared, keys, result)
                ),
            ]
        return computations


def _derived(
    shared: Any,
    keys: list[Any],
    result: Callable[[Any], Iterable[float | str]],
    results: Mapping[Any, Any],
) -> dict[Any, float | str]:
    return dict(zip(keys, result(results[shared]), strict=True))


class _ReadRecord(tfma.metrics.Preprocessor):
    """The outputs of one record -> what is accumulated of it."""

    def __init__(self, accumulator: SharedAccumulator[Any], model_name: str) -> None:
        # TFMA drops computations whose preprocessors share a name.
        super().__init__(name=f"{accumulator.name} of {model_name or 'the model'}")
        self._accumulator = accumulator
        self._model_name = model_name

    def process(self, extracts: Any) -> Iterator[Any]:
        outputs = extracts[PREDICTIONS_KEY]
        # With a single model TFMA leaves its name away.
        yield self._accumulator.read(outputs[self._model_name] if self._model_name else outputs)


class _CombineRecords(beam.CombineFn):
    """Records -> what the metrics derive from."""

    def __init__(self, accumulator: SharedAccumulator[Any], key: Any) -> None:
        super().__init__()
        self._accumulator = accumulator
        self._key = key

    def create_accumulator(self) -> Any:
        return self._accumulator.empty()

    def add_input(self, accumulator: Any, element: Any) -> Any:
        accumulator.add(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def compact(self, accumulator: Any) -> Any:
        accumulator.settle()
        return accumulator

    def extract_output(self, accumulator: Any) -> dict[Any, Any]:
        return {self._key: self._accumulator.finish(accumulator)}
