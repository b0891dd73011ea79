"""Why a model was blessed or refused, in words, from what the Evaluator left behind."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.errors import RunError
from components.evaluators.benchmark_metrics import BENCHMARK_METRICS

BLESSED_FILE = "BLESSED"
REFUSED_FILE = "NOT_BLESSED"


@dataclass(frozen=True)
class Bound:
    """What one metric had to reach, as the evaluation recorded it.

    Attributes:
        metric: The metric's name.
        minimum: Smallest value that passes.
        maximum: Largest value that passes.
        smallest_change: Smallest difference from the baseline that passes.
        largest_change: Largest difference from the baseline that passes.
    """

    metric: str
    minimum: float | None = None
    maximum: float | None = None
    smallest_change: float | None = None
    largest_change: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The outcome of an evaluation.

    Attributes:
        blessed: Whether the model may be pushed.
        reasons: One sentence a requirement, failed ones first.
        metrics: metric -> the model's value.
        baseline_metrics: metric -> the value of the blessed model it was compared with, if any.
    """

    blessed: bool
    reasons: list[str]
    metrics: dict[str, float]
    baseline_metrics: dict[str, float] | None

    def as_json(self) -> dict[str, Any]:
        """The verdict as strict JSON data: infinity and NaN, which JSON lacks, become strings."""

        def numbers(values: Mapping[str, float]) -> dict[str, float | str]:
            return {
                name: value if math.isfinite(value) else str(value)
                for name, value in values.items()
            }

        return {
            "blessed": self.blessed,
            "reasons": list(self.reasons),
            "metrics": numbers(self.metrics),
            "baseline_metrics": (
                None if self.baseline_metrics is None else numbers(self.baseline_metrics)
            ),
        }


def read_verdict(evaluation_dir: str, blessing_dir: str, *, baseline_name: str = "") -> Verdict:
    """Reads the Evaluator's two output directories.

    Args:
        evaluation_dir: The `evaluation` artifact's directory.
        blessing_dir: The `blessing` artifact's directory.
        baseline_name: How to call the baseline, for example "the blessed model of run X"; by
            default the directory it was loaded from.

    Raises:
        RunError: If the evaluation is not there or did not end.
    """
    # Imported here because it takes seconds and the rest of the module needs none of it.
    import tensorflow as tf
    import tensorflow_model_analysis as tfma
    from google.protobuf import json_format
    from tensorflow_model_analysis.proto import config_pb2

    path = os.path.join(evaluation_dir, "eval_config.json")
    if not tf.io.gfile.exists(path):
        raise RunError(
            "there is no evaluation to read",
            found=evaluation_dir,
            expected="the directory of a finished Evaluator",
            fix="run the pipeline again",
        )
    with tf.io.gfile.GFile(path) as file:
        run = json_format.Parse(file.read(), config_pb2.EvalRun(), ignore_unknown_fields=True)
    baseline = next((spec.name for spec in run.eval_config.model_specs if spec.is_baseline), None)
    values = _values_by_model(tfma.load_metrics(evaluation_dir))
    candidate = next((name for name in values if name != baseline), "")
    return judge(
        blessed=tf.io.gfile.exists(os.path.join(blessing_dir, BLESSED_FILE)),
        decided=tf.io.gfile.exists(os.path.join(blessing_dir, REFUSED_FILE)),
        bounds=_bounds(run.eval_config),
        metrics=values.get(candidate, {}),
        baseline_metrics=None if baseline is None else values.get(baseline, {}),
        baseline_name=baseline_name or _located(run.model_locations, baseline),
    )


def judge(
    *,
    blessed: bool,
    decided: bool,
    bounds: Sequence[Bound],
    metrics: Mapping[str, float],
    baseline_metrics: Mapping[str, float] | None,
    baseline_name: str,
) -> Verdict:
    """Puts a decision into words; it does not make one.

    Args:
        blessed: Whether the Evaluator blessed the model.
        decided: Whether it refused it; both False where it was not asked to decide.
        bounds: What was required.
        metrics: The model's values.
        baseline_metrics: The baseline's values, if there was one.
        baseline_name: How to call it.
    """
    failed: list[str] = []
    passed: list[str] = []
    for bound in bounds:
        for holds, sentence in _sentences(bound, metrics, baseline_metrics, baseline_name):
            (passed if holds else failed).append(sentence)
    if not blessed and not decided:
        failed.append(
            "the Evaluator left no verdict: it was given no requirement, or its output was deleted"
        )
    elif not blessed and not failed:
        failed.append("the Evaluator refused the model without a requirement that failed")
    if baseline_metrics is None:
        passed.append("there is no earlier blessed model to compare with")
    return Verdict(
        blessed=blessed,
        reasons=failed + passed,
        metrics=dict(metrics),
        baseline_metrics=None if baseline_metrics is None else dict(baseline_metrics),
    )


def _sentences(
    bound: Bound,
    metrics: Mapping[str, float],
    baseline_metrics: Mapping[str, float] | None,
    baseline_name: str,
) -> list[tuple[bool, str]]:
    """Whether each requirement on one metric holds, and the sentence that says so."""
    name = bound.metric
    if name not in metrics:
        return [(False, f"{name} was not measured")]
    value = metrics[name]
    if math.isnan(value):
        return [(False, f"{name} is not a number")]
    sentences = []
    if bound.minimum is not None:
        holds = value >= bound.minimum
        sentences.append((holds, _compared(name, value, ">=" if holds else "<", bound.minimum)))
    if bound.maximum is not None:
        holds = value <= bound.maximum
        sentences.append((holds, _compared(name, value, "<=" if holds else ">", bound.maximum)))
    if baseline_metrics is not None and name in baseline_metrics:
        change = value - baseline_metrics[name]
        if math.isnan(change):
            return [*sentences, (False, f"{name} of {baseline_name} is not a number")]
        if bound.smallest_change is not None:
            holds = change >= bound.smallest_change
            margin = abs(bound.smallest_change)
            sentences.append((holds, _changed(name, change, baseline_name, margin, "fall")))
        if bound.largest_change is not None:
            holds = change <= bound.largest_change
            margin = bound.largest_change
            sentences.append((holds, _changed(name, change, baseline_name, margin, "rise")))
    return sentences


def _compared(name: str, value: float, relation: str, limit: float) -> str:
    shown, shown_limit = _numbers(value, limit)
    return f"{name} {_with_unit(shown, name)} {relation} {shown_limit} required"


def _changed(name: str, change: float, baseline_name: str, margin: float, direction: str) -> str:
    shown, shown_margin = _numbers(abs(change), margin)
    verb = "fell" if change < 0 else "rose"
    moved = f"{verb} by {_with_unit(shown, name)}" if change != 0 else "did not change"
    return f"{name} {moved} against {baseline_name}, a {direction} of {shown_margin} is allowed"


def _with_unit(number: str, name: str) -> str:
    unit = BENCHMARK_METRICS[name].unit if name in BENCHMARK_METRICS else ""
    return f"{number} {unit}".rstrip()


def _numbers(value: float, limit: float) -> tuple[str, str]:
    """Both in four digits, or in as many as it takes for different numbers to look different."""
    for digits in (4, 6, 9, 17):
        shown, shown_limit = f"{value:.{digits}g}", f"{limit:.{digits}g}"
        if value == limit or shown != shown_limit:
            break
    return shown, shown_limit


def _values_by_model(slices: Any) -> dict[str, dict[str, float]]:
    """Model name -> metric -> number over all records; TFMA's differences and texts left out."""
    values: dict[str, dict[str, float]] = {}
    for metrics in slices:
        if metrics.slice_key.single_slice_keys:
            continue
        for pair in metrics.metric_keys_and_values:
            if not pair.key.is_diff and pair.value.HasField("double_value"):
                model = values.setdefault(pair.key.model_name, {})
                model[pair.key.name] = pair.value.double_value.value
    return values


def _bounds(eval_config: Any) -> list[Bound]:
    """The thresholds over all records; TFX took out of the configuration what did not apply."""
    from tensorflow_model_analysis.proto.config_pb2 import MetricDirection

    bounds = []
    for spec in eval_config.metrics_specs:
        for metric in spec.metrics:
            if not metric.per_slice_thresholds:
                continue
            [overall] = metric.per_slice_thresholds
            value = overall.threshold.value_threshold
            change = overall.threshold.change_threshold
            margin = change.absolute.value if change.HasField("absolute") else None
            more_is_better = change.direction == MetricDirection.HIGHER_IS_BETTER
            bounds.append(
                Bound(
                    metric=str(json.loads(metric.config)["name"]),
                    minimum=value.lower_bound.value if value.HasField("lower_bound") else None,
                    maximum=value.upper_bound.value if value.HasField("upper_bound") else None,
                    smallest_change=margin if more_is_better else None,
                    largest_change=None if more_is_better else margin,
                )
            )
    return bounds


def _located(locations: Mapping[str, str], baseline: str | None) -> str:
    where = locations.get(baseline or "", "")
    return f"the blessed model in {where}" if where else "the blessed model before it"
