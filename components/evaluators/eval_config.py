"""The benchmark as TFMA's EvalConfig, for the standard Evaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto.config_pb2 import MetricDirection

from components.evaluators.benchmark_metrics import benchmark_metric
from components.evaluators.evaluate_signature import EVALUATE_SIGNATURE
from components.evaluators.evaluation_config import EvaluationConfig, Gate

MetricOptions = Mapping[str, Mapping[str, object]]


def build_eval_config(
    evaluation: EvaluationConfig, metric_options: MetricOptions | None = None
) -> tfma.EvalConfig:
    """What the Evaluator runs: the `evaluate` signature, the metrics, and their thresholds.

    The model has one spec without a name: TFX adds the baseline's where there is one, and takes the
    comparisons out where there is none.

    Args:
        evaluation: The benchmark.
        metric_options: Metric -> further keyword arguments of its class, as JSON holds them.
    """
    evaluation = evaluation.with_required_records()
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(signature_name=EVALUATE_SIGNATURE)],
        slicing_specs=[
            tfma.SlicingSpec(),
            *(tfma.SlicingSpec(feature_keys=[feature]) for feature in evaluation.slices),
        ],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    _metric_config(
                        name, evaluation.gates.get(name), (metric_options or {}).get(name, {})
                    )
                    for name in evaluation.metrics
                ]
            )
        ],
    )


def _metric_config(
    name: str, gate: Gate | None, options: Mapping[str, object]
) -> tfma.MetricConfig:
    metric = benchmark_metric(name)
    return tfma.MetricConfig(
        class_name=metric.class_name,
        module=metric.module,
        config=json.dumps({"name": name, **options}),
        per_slice_thresholds=[] if gate is None else [_threshold(gate)],
    )


def _threshold(gate: Gate) -> tfma.PerSliceMetricThreshold:
    """The gate over all records: a plain threshold would be asked of every slice, each class."""
    threshold = tfma.MetricThreshold()
    # Even without bounds: TFMA then still refuses what is not a number.
    threshold.value_threshold.SetInParent()
    if gate.minimum is not None:
        threshold.value_threshold.lower_bound.value = gate.minimum
    if gate.maximum is not None:
        threshold.value_threshold.upper_bound.value = gate.maximum
    # TFMA compares the difference candidate - baseline.
    if gate.max_drop is not None:
        threshold.change_threshold.direction = MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -gate.max_drop
    if gate.max_rise is not None:
        threshold.change_threshold.direction = MetricDirection.LOWER_IS_BETTER
        threshold.change_threshold.absolute.value = gate.max_rise
    return tfma.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)
