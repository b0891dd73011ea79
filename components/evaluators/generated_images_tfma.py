"""The metrics of `generated_images` for `tfma.MetricConfig`.

All metrics of one feature network share one computation: each record's images go through the
network once, before TFMA shuffles them by slice, and only features travel through Beam.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.constants import PREDICTIONS_KEY

from components.errors import ConfigError
from components.evaluators.frechet_distance import small_sample_warning
from components.evaluators.generated_images import GeneratedImages
from components.evaluators.generated_images_config import (
    GENERATED_IMAGE_METRICS,
    GeneratedImagesConfig,
    Quantity,
)
from components.evaluators.generated_records import RecordImages, read_record

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
    computations: list[Any] = []
    endings = (*_INTERVAL, *([_SPLIT_DEVIATION] if quantity == "class_score" else []))
    for model_name in model_names or [""]:
        # TFMA leaves out of the results what begins with an underscore.
        shared = tfma.metrics.MetricKey(name=f"_images {config!r}", model_name=model_name)
        keys = [
            tfma.metrics.MetricKey(name=name + ending, model_name=model_name) for ending in endings
        ]
        computations += [
            tfma.metrics.MetricComputation(
                keys=[shared],
                preprocessors=[_ComputeFeatures(config, model_name)],
                combiner=_CombineImages(config, shared),
            ),
            tfma.metrics.DerivedMetricComputation(
                keys=keys, result=functools.partial(_measured, shared, keys, quantity)
            ),
        ]
    return computations


def _measured(
    shared: Any, keys: list[Any], quantity: Quantity, results: Mapping[Any, Any]
) -> dict[Any, float]:
    images: GeneratedImages = results[shared]
    if quantity == "frechet_distance":
        dimensions = images.real.moments().dimensions
        counts = (images.real.count, images.generated.count)
        if warning := small_sample_warning(min(counts), dimensions):
            _logger.warning("%s: %s", keys[0].name, warning)
    return dict(zip(keys, images.measure(quantity), strict=True))


class _ComputeFeatures(tfma.metrics.Preprocessor):
    """The outputs of one record -> the features of its images."""

    def __init__(self, config: GeneratedImagesConfig, model_name: str) -> None:
        # TFMA drops computations whose preprocessors share a name.
        super().__init__(name=f"features of {model_name or 'the model'} by {config!r}")
        self._config = config
        self._model_name = model_name

    def process(self, extracts: Any) -> Iterator[RecordImages]:
        outputs = extracts[PREDICTIONS_KEY]
        # With a single model TFMA leaves its name away.
        outputs = outputs[self._model_name] if self._model_name else outputs
        yield read_record(outputs, self._config)


class _CombineImages(beam.CombineFn):
    """Features of records -> `GeneratedImages`, which the metrics derive from."""

    def __init__(self, config: GeneratedImagesConfig, key: Any) -> None:
        super().__init__()
        self._config = config
        self._key = key

    def create_accumulator(self) -> GeneratedImages:
        return GeneratedImages(self._config)

    def add_input(self, accumulator: GeneratedImages, element: RecordImages) -> GeneratedImages:
        accumulator.real.add(element.real)
        accumulator.generated.add(element.generated)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[GeneratedImages]) -> GeneratedImages:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def compact(self, accumulator: GeneratedImages) -> GeneratedImages:
        accumulator.settle()
        return accumulator

    def extract_output(self, accumulator: GeneratedImages) -> dict[Any, GeneratedImages]:
        return {self._key: accumulator}
