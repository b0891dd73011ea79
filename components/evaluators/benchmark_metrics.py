"""Every metric a configuration can name; the place to edit to add one.

Light to import: TFMA loads a metric's module when it builds the evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from components.errors import ConfigError


@dataclass(frozen=True)
class BenchmarkMetric:
    """Where a metric's code is, and how its values read.

    Attributes:
        module: Dotted module of the `tfma.metrics.Metric`.
        class_name: Its class.
        unit: Unit of its values, for sentences; empty where it has none.
        meaning: What it says, for the report.
    """

    module: str
    class_name: str
    unit: str
    meaning: str


RECORDS_EVALUATED = "records_evaluated"

BENCHMARK_METRICS: dict[str, BenchmarkMetric] = {
    "psnr": BenchmarkMetric(
        "components.evaluators.image_quality_tfma",
        "PeakSignalToNoiseRatio",
        "dB",
        "peak signal-to-noise ratio on [0, 1], prediction clipped; 150 dB stands for no difference",
    ),
    "ssim": BenchmarkMetric(
        "components.evaluators.image_quality_tfma",
        "StructuralSimilarity",
        "",
        "structural similarity on [0, 1], prediction clipped, 7 x 7 windows",
    ),
    "mse": BenchmarkMetric(
        "components.evaluators.image_quality_tfma",
        "SignalSquaredError",
        "",
        "mean squared error on [-1, 1], unclipped",
    ),
    "snr": BenchmarkMetric(
        "components.evaluators.audio_quality_tfma",
        "SignalToNoiseRatio",
        "dB",
        "signal-to-noise ratio of the waveform, unclipped",
    ),
    "top_1": BenchmarkMetric(
        "components.evaluators.classification_tfma",
        "TopOneAccuracy",
        "",
        "share of records whose label is the most probable class, in brackets its 95 % bootstrap"
        " interval; of equally probable classes the lower number comes first",
    ),
    "top_5": BenchmarkMetric(
        "components.evaluators.classification_tfma",
        "TopFiveAccuracy",
        "",
        "share of records whose label is among the five most probable classes, in brackets its 95 %"
        " bootstrap interval",
    ),
    "cross_entropy": BenchmarkMetric(
        "components.evaluators.classification_tfma",
        "CrossEntropy",
        "nats",
        "mean of minus the natural logarithm of the label's probability",
    ),
    "disabled_features": BenchmarkMetric(
        "components.evaluators.classification_tfma",
        "DisabledFeatures",
        "",
        "share of the gammas of BatchNorm whose magnitude is below 0.01",
    ),
    RECORDS_EVALUATED: BenchmarkMetric(
        "components.evaluators.record_count_tfma",
        "RecordsEvaluated",
        "",
        "records that the model gave outputs for",
    ),
}


def benchmark_metric(name: str) -> BenchmarkMetric:
    """The metric of that name.

    Raises:
        ConfigError: If there is none.
    """
    if name not in BENCHMARK_METRICS:
        raise ConfigError(
            "unknown metric",
            found=name,
            expected=" | ".join(BENCHMARK_METRICS),
            fix="correct `metrics` in the evaluation section",
        )
    return BENCHMARK_METRICS[name]


def metric_modules(names: Iterable[str]) -> tuple[str, ...]:
    """The modules whose code decides the values of these metrics, `records_evaluated` included."""
    return tuple(sorted({benchmark_metric(name).module for name in (*names, RECORDS_EVALUATED)}))
