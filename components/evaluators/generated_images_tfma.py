"""The metrics of `generated_images` for `tfma.MetricConfig`.

All metrics of one feature network share one computation: each record's images go through the
network once, before TFMA shuffles them by slice, and only features travel through Beam.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

import tensorflow_model_analysis as tfma

from components.errors import ConfigError
from components.evaluators.frechet_distance import small_sample_warning
from components.evaluators.generated_images import GeneratedImages
from components.evaluators.generated_images_config import (
    GENERATED_IMAGE_METRICS,
    GeneratedImagesConfig,
    Quantity,
)
from components.evaluators.generated_records import read_record
from components.evaluators.shared_accumulator import SharedAccumulator

_logger = logging.getLogger(__name__)
_INTERVAL = ("", "_low", "_high")
_SPLIT_DEVIATION = "_split_deviation"


class GeneratedImageMetric(tfma.metrics.Metric):
    """Any metric of `GENERATED_IMAGE_METRICS`, by its name.

    Args:
        name: Says what is measured, and by which feature network.
        settings: Fields of `GeneratedImagesConfig`; a network that needs no file needs none.
    """

    def __init__(self, name: str, **settings: Any) -> None:
        if name not in GENERATED_IMAGE_METRICS:
            raise ConfigError(
                "unknown metric of generated images",
                found=name,
                expected=" | ".join(GENERATED_IMAGE_METRICS),
            )
        network, quantity = GENERATED_IMAGE_METRICS[name]
        config = GeneratedImagesConfig(**{"feature_network": network, **settings}).of_metric(name)
        super().__init__(
            functools.partial(_create_computations, quantity=quantity, config=config), name=name
        )


def _create_computations(
    name: str = "",
    model_names: list[str] | None = None,
    *,
    quantity: Quantity,
    config: GeneratedImagesConfig,
) -> list[Any]:
    shared = SharedAccumulator(
        f"images {config!r}",
        functools.partial(read_record, config=config),
        functools.partial(GeneratedImages, config),
    )
    endings = (*_INTERVAL, *([_SPLIT_DEVIATION] if quantity == "class_score" else []))
    result = functools.partial(_measured, name=name, quantity=quantity)
    return shared.computations([name + ending for ending in endings], result, model_names)


def _measured(images: GeneratedImages, name: str, quantity: Quantity) -> tuple[float, ...]:
    if quantity == "frechet_distance":
        dimensions = images.real.moments().dimensions
        counts = (images.real.count, images.generated.count)
        if warning := small_sample_warning(min(counts), dimensions):
            _logger.warning("%s: %s", name, warning)
    return images.measure(quantity)
