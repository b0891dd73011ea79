"""Every metric a configuration can name; the place to edit to add one.

Light to import: TFMA loads a metric's module when it builds the evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from components.errors import ConfigError
from components.evaluators.detection_metrics_config import (
    AVERAGE_MEANINGS,
    PANOPTIC_MEANINGS,
)
from components.evaluators.generated_images_config import (
    FEATURE_NETWORKS,
    GENERATED_IMAGE_METRICS,
)


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

_INTERVAL = "in brackets its 95 % interval by leaving out a group of images at a time"
_GENERATED_IMAGE_MEANINGS: dict[str, str] = {
    "frechet_distance": (
        "Fréchet distance between Gaussians fitted to the features of real and of generated images,"
        f" {_INTERVAL}; few images bias it upwards, and with no more images than features the"
        " covariances lack ranks and it says little"
    ),
    "kernel_distance": (
        "squared maximum mean discrepancy of the features under the kernel (x . y / dimensions +"
        f" 1)^3, unbiased for any number of images, negative at times; {_INTERVAL}"
    ),
    "class_score": (
        "exponential of the mean divergence of an image's classes from all images' classes, mean"
        f" over splits by the hash of the record's image, {_INTERVAL}; beside it the deviation of"
        " the splits"
    ),
    "nmi": (
        "normalised mutual information (mean of the entropies) of the labels of real images with"
        f" the code whose generated images have the nearest mean feature, {_INTERVAL}"
    ),
    "accuracy": (
        "accuracy, under the best one-to-one matching with the labels of real images, of the code"
        f" whose generated images have the nearest mean feature, {_INTERVAL}"
    ),
}

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
    **{
        name: BenchmarkMetric(
            "components.evaluators.generated_images_tfma",
            "GeneratedImageMetric",
            "",
            f"{_GENERATED_IMAGE_MEANINGS[quantity]}. Features by {FEATURE_NETWORKS[network]}",
        )
        for name, (network, quantity) in GENERATED_IMAGE_METRICS.items()
    },
    "cluster_nmi": BenchmarkMetric(
        "components.evaluators.cluster_agreement_tfma",
        "ClusterInformation",
        "",
        "normalised mutual information (mean of the entropies) of the labels of real images with"
        " the clusters that the model itself gives them",
    ),
    "cluster_accuracy": BenchmarkMetric(
        "components.evaluators.cluster_agreement_tfma",
        "ClusterAccuracy",
        "",
        "accuracy, under the best one-to-one matching with the labels of real images, of the"
        " clusters that the model itself gives them",
    ),
    **{
        name: BenchmarkMetric(
            "components.evaluators.average_precision_tfma", "AverageMetric", "", meaning
        )
        for name, meaning in AVERAGE_MEANINGS.items()
    },
    **{
        name: BenchmarkMetric(
            "components.evaluators.panoptic_quality_tfma", "PanopticMetric", "", meaning
        )
        for name, meaning in PANOPTIC_MEANINGS.items()
    },
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
