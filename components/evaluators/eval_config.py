"""The benchmark as TFMA's EvalConfig, for the standard Evaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping

# TFMA 0.52 hands out these messages in no other place.
from tensorflow_model_analysis.proto import config_pb2

from components.evaluators.benchmark_metrics import benchmark_metric
from components.evaluators.evaluate_signature import EVALUATE_SIGNATURE
from components.evaluators.evaluation_config import EvaluationConfig, Gate

MetricOptions = Mapping[str, Mapping[str, object]]


def build_eval_config(
    evaluation: EvaluationConfig, metric_options: MetricOptions | None = None
) -> config_pb2.EvalConfig:
    """What the Evaluator runs: the `evaluate` signature, the metrics, and their thresholds.

    The model has one spec without a name: TFX adds the baseline's where there is one, and takes the
    comparisons out where there is none.

    Args:
        evaluation: The benchmark.
        metric_options: Metric -> further keyword arguments of its class, as JSON holds them.
    """
    evaluation = evaluation.with_required_records()
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(signature_name=EVALUATE_SIGNATURE)],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in evaluation.slices),
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
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
) -> config_pb2.MetricConfig:
    metric = benchmark_metric(name)
    return config_pb2.MetricConfig(
        class_name=metric.class_name,
        module=metric.module,
        config=json.dumps({"name": name, **options}),
        per_slice_thresholds=[] if gate is None else [_threshold(gate)],
    )


def _threshold(gate: Gate) -> config_pb2.PerSliceMetricThreshold:
    """The gate over all records: a plain threshold would be asked of every slice, each class."""
    threshold = config_pb2.MetricThreshold()
    # Even without bounds: TFMA then still refuses what is not a number.
    threshold.value_threshold.SetInParent()
    if gate.minimum is not None:
        threshold.value_threshold.lower_bound.value = gate.minimum
    if gate.maximum is not None:
        threshold.value_threshold.upper_bound.value = gate.maximum
    # TFMA compares the difference candidate - baseline.
    if gate.max_drop is not None:
        threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -gate.max_drop
    if gate.max_rise is not None:
        threshold.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        threshold.change_threshold.absolute.value = gate.max_rise
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
    )
