"""How generated images are measured, and what the measurements are called.

A number is a FID, a KID or an Inception score only where InceptionV3 computed the features. Any
other feature network stands in the metric's name, because its numbers compare with nothing but
themselves. Free of TensorFlow, for the command line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

from components.errors import ConfigError

FeatureNetworkName = Literal["inception_v3", "classifier", "random_convolutions", "pixels"]
Quantity = Literal["frechet_distance", "kernel_distance", "class_score", "nmi", "accuracy"]

# What each network does with images, as sentences of the report. All of them see 8-bit levels, as a
# PNG file would hold them.
FEATURE_NETWORKS: dict[str, str] = {
    "inception_v3": (
        "InceptionV3 with the weights of a given Keras file: images resized to 299 x 299"
        " (bilinear), levels to [-1, 1], 2,048 features after the average pooling; not the graph of"
        " the TTUR authors, which gives slightly other numbers"
    ),
    "classifier": (
        "a given classifier: images resized to its input (bilinear, antialiased), levels to [0, 1]"
        " and normalised by the configured mean and deviation; its logits are the features"
    ),
    "random_convolutions": (
        "a convolutional network with fixed random weights and no training: images resized to"
        " 64 x 64 (bilinear, antialiased), levels to [-1, 1], three layers of 3 x 3 with stride 2"
        " and ReLU, 224 features, the channels' means; seed 0 unless the configuration says"
        " otherwise"
    ),
    "pixels": (
        "no network: images resized to 8 x 8 (bilinear, antialiased), levels to [-1, 1], 192"
        " features"
    ),
}
INCEPTION = "inception_v3"
CLASSIFIER = "classifier"
WITH_CLASSES = (INCEPTION, CLASSIFIER)

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _names(network: str) -> dict[str, Quantity]:
    """Metric name -> what it measures, by one feature network."""
    own: dict[str, Quantity] = (
        {"fid": "frechet_distance", "kid": "kernel_distance", "inception_score": "class_score"}
        if network == INCEPTION
        else {
            f"frechet_distance_{network}": "frechet_distance",
            f"kernel_distance_{network}": "kernel_distance",
        }
    )
    if network == CLASSIFIER:
        own["class_score_classifier"] = "class_score"
    return own | {f"cluster_nmi_{network}": "nmi", f"cluster_accuracy_{network}": "accuracy"}


# Metric name -> (feature network, what it measures by it).
GENERATED_IMAGE_METRICS: dict[str, tuple[str, Quantity]] = {
    name: (network, quantity)
    for network in FEATURE_NETWORKS
    for name, quantity in _names(network).items()
}


@dataclass(frozen=True)
class GeneratedImagesConfig:
    """How generated images are compared with real ones.

    Attributes:
        feature_network: Who computes the features; one of `FEATURE_NETWORKS`.
        network_path: For `inception_v3` Keras' file of weights (`.h5`, with or without the
            classifier on top; the Inception score needs it), for `classifier` a SavedModel as the
            Only-BN trainer exports it. Empty for the others.
        network_sha256: The sha256 of that file (of a SavedModel: see `file_sha256`), hexadecimal;
            required for `inception_v3`, checked for `classifier` where it is given.
        random_seed: Of the weights of `random_convolutions`.
        classifier_mean: What the classifier's images are normalised by, red, green, blue, in
            [0, 1]; the default is Only-BN's.
        classifier_deviation: Likewise.
        groups: Splits of the Inception score, and groups of the jackknife. Each keeps two
            covariances: 16 * dimensions^2 bytes, 67 MB by InceptionV3.
        stored_images: Real and generated images each, at most, whose features are kept for the
            kernel distance and the clusters; of more, those that hash lowest.
        images_per_child: Images per child's code of `measure_generator`; the paper's is 150.
        batch_size: Images at once, of `measure_generator`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    feature_network: FeatureNetworkName = "random_convolutions"
    network_path: str = ""
    network_sha256: str = ""
    random_seed: int = 0
    classifier_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    classifier_deviation: tuple[float, float, float] = (0.229, 0.224, 0.225)
    groups: int = 10
    stored_images: int = 5000
    images_per_child: int = 150
    batch_size: int = 50

    def __post_init__(self) -> None:
        """Refuses what cannot be measured.

        Raises:
            ConfigError: A value is out of range, or a network's file is not named.
        """
        if self.feature_network not in FEATURE_NETWORKS:
            raise ConfigError(
                "unknown feature network",
                found=self.feature_network,
                expected=" | ".join(FEATURE_NETWORKS),
            )
        self._check_file()
        smallest = {"random_seed": 0, "groups": 1, "stored_images": 2, "images_per_child": 1}
        for name, least in {**smallest, "batch_size": 1}.items():
            if getattr(self, name) < least:
                raise ConfigError(
                    f"generated images: {name} is too small",
                    found=getattr(self, name),
                    expected=f"{least} or more",
                )
        # Lists come out of JSON; a tuple can be hashed.
        for name in ("classifier_mean", "classifier_deviation"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        normalisation = (*self.classifier_mean, *self.classifier_deviation)
        if (
            (len(self.classifier_mean), len(self.classifier_deviation)) != (3, 3)
            or not all(math.isfinite(value) for value in normalisation)
            or min(self.classifier_deviation) <= 0.0
        ):
            raise ConfigError(
                "generated images: the classifier's normalisation is none",
                found=f"mean {self.classifier_mean}, deviation {self.classifier_deviation}",
                expected="three finite numbers each, deviations above 0",
            )

    def _check_file(self) -> None:
        if (self.feature_network in WITH_CLASSES) != bool(self.network_path):
            raise ConfigError(
                "network_path does not go with the feature network",
                found=f"{self.feature_network}, network_path {self.network_path!r}",
                expected="a path for inception_v3 and classifier, none for the others",
                fix="name the file, or take feature_network=random_convolutions",
            )
        if self.network_sha256 and not _SHA256.fullmatch(self.network_sha256):
            raise ConfigError(
                "network_sha256 is no sha256",
                found=self.network_sha256,
                expected="64 hexadecimal digits in lower case",
                fix="take what `sha256sum FILE` prints",
            )
        if self.feature_network == INCEPTION and not self.network_sha256:
            raise ConfigError(
                "the weights of InceptionV3 need their sha256: numbers compare only by the same",
                found="network_sha256 is empty",
                expected="64 hexadecimal digits",
                fix=f"take what `sha256sum {self.network_path}` prints",
            )

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics by this feature network that need no labels, for a gate or a table.

        The Inception score is among them only if the file has the classifier on top; with one that
        has not, name the others one by one.
        """
        return tuple(
            name
            for name, quantity in _names(self.feature_network).items()
            if quantity not in ("nmi", "accuracy")
        )

    @property
    def protocol(self) -> str:
        """What the numbers depend on, for the table."""
        described = FEATURE_NETWORKS[self.feature_network]
        return f"{described}; sha256 {self.network_sha256}" if self.network_sha256 else described

    def metric_options(self, metrics: Iterable[str]) -> dict[str, dict[str, object]]:
        """Keyword arguments of each of the metrics, as JSON holds them.

        Args:
            metrics: Names; those that do not measure generated images are left out.

        Raises:
            ConfigError: A metric is of another feature network.
        """
        chosen = [name for name in metrics if name in GENERATED_IMAGE_METRICS]
        return {name: asdict(self.of_metric(name)) for name in chosen}

    def of_metric(self, metric: str) -> GeneratedImagesConfig:
        """The same, after the check that the metric is by this feature network.

        Raises:
            ConfigError: It is by another.
        """
        network, _ = GENERATED_IMAGE_METRICS[metric]
        if network != self.feature_network:
            raise ConfigError(
                f"the metric {metric} is by another feature network than the configured one",
                found=self.feature_network,
                expected=network,
                fix=f"measure {', '.join(self.metrics)}, or set feature_network={network}",
            )
        return self
