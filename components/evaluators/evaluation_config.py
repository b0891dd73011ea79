"""What a model is measured by and what it must reach to be blessed; the same for every paper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from components.errors import ConfigError
from components.evaluators.benchmark_metrics import RECORDS_EVALUATED, benchmark_metric


@dataclass(frozen=True)
class Gate:
    """What one metric must reach. A value that is not a number passes no gate.

    Attributes:
        minimum: Smallest value that passes.
        maximum: Largest value that passes.
        max_drop: How far it may lie below the latest blessed model's value, in the metric's unit;
            for metrics where more is better. Without a blessed model it is not asked.
        max_rise: How far it may lie above it; for metrics where less is better.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    minimum: float | None = None
    maximum: float | None = None
    max_drop: float | None = None
    max_rise: float | None = None

    def __post_init__(self) -> None:
        for name in ("minimum", "maximum", "max_drop", "max_rise"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ConfigError(f"gate: {name} must be a finite number", found=value)
        for name in ("max_drop", "max_rise"):
            if (getattr(self, name) or 0.0) < 0.0:
                raise ConfigError(
                    f"gate: {name} is a margin", found=getattr(self, name), expected="0 or more"
                )
        if self.max_drop is not None and self.max_rise is not None:
            raise ConfigError(
                "gate: max_drop and max_rise exclude each other",
                found=f"max_drop={self.max_drop}, max_rise={self.max_rise}",
                expected="max_drop where more is better, max_rise where less is better",
            )
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ConfigError(
                "gate: nothing can pass",
                found=f"minimum={self.minimum}, maximum={self.maximum}",
                expected="minimum <= maximum",
            )


@dataclass(frozen=True)
class EvaluationConfig:
    """The benchmark of a paper.

    Attributes:
        metrics: Names of what is measured, from `benchmark_metrics`. `records_evaluated` is always
            measured.
        gates: metric -> what it must reach, over all records.
        slices: Features of the raw records, for example `image/class/label`: each metric is also
            measured for the records of each value of each of them. Gates are not asked there.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    metrics: tuple[str, ...] = ("psnr", "ssim", "mse")
    gates: Mapping[str, Gate] = field(default_factory=dict)
    slices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "" in self.slices or len(set(self.slices)) < len(self.slices):
            raise ConfigError(
                "the slices of an evaluation are not different features",
                found=", ".join(self.slices) or "an empty name",
                expected="names of features of the records, each once",
                fix="correct `slices` in the evaluation section",
            )
        for name in self.metrics:
            benchmark_metric(name)
        unmeasured = sorted(set(self.gates) - set(self.metrics) - {RECORDS_EVALUATED})
        if unmeasured:
            raise ConfigError(
                "a gate is on a metric that is not measured",
                found=", ".join(unmeasured),
                expected=", ".join((*self.metrics, RECORDS_EVALUATED)),
                fix="name it in `metrics` as well",
            )

    def with_required_records(self) -> EvaluationConfig:
        """The same with `records_evaluated` measured and gated.

        An evaluation of no records, or one without any bound, must not pass; and TFX writes no
        verdict at all where no bound applies, as on a first run that only compares with a blessed
        model.
        """
        metrics = tuple(dict.fromkeys((*self.metrics, RECORDS_EVALUATED)))
        gate = self.gates.get(RECORDS_EVALUATED, Gate())
        if gate.minimum is None:
            gate = Gate(1.0, gate.maximum, gate.max_drop, gate.max_rise)
        return replace(self, metrics=metrics, gates={**self.gates, RECORDS_EVALUATED: gate})
