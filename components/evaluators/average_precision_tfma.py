"""The metrics of `average_precision` for `tfma.MetricConfig`.

All twelve numbers of boxes share one accumulator, and so do those of masks. The means are over
COCO's things alone, as in its detection task: a model of the panoptic task that gives boxes of
stuff as well is measured by the same numbers as others. The values by category hold stuff too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import tensorflow_model_analysis as tfma

from components.errors import ConfigError
from components.evaluators.average_precision import (
    DetectionMatches,
    DetectionScores,
    detection_scores,
)
from components.evaluators.category_values import BY_CATEGORY, CategoryValues
from components.evaluators.coco_categories import COCO_STUFF
from components.evaluators.detection_matching import (
    IOU_THRESHOLDS,
    ImageMatches,
    match_detections,
)
from components.evaluators.detection_metrics_config import AVERAGE_METRICS, Regions
from components.evaluators.image_regions import box_regions, mask_regions
from components.evaluators.shared_accumulator import SharedAccumulator

_WITH_CATEGORIES = "ap"


class AverageMetric(tfma.metrics.Metric):
    """Any metric of `AVERAGE_METRICS`, by its name.

    Args:
        name: Says which of the twelve numbers is measured, of boxes or of masks.
    """

    def __init__(self, name: str) -> None:
        if name not in AVERAGE_METRICS:
            raise ConfigError(
                "unknown metric of detections",
                found=name,
                expected=" | ".join(AVERAGE_METRICS),
            )
        super().__init__(_create_computations, name=name)


def _create_computations(name: str = "", model_names: list[str] | None = None) -> list[Any]:
    regions, average = AVERAGE_METRICS[name]
    read = functools.partial(_read_matches, regions=regions)
    shared = SharedAccumulator(regions, read, DetectionMatches, detection_scores)
    names = [name, *([name + BY_CATEGORY] if average == _WITH_CATEGORIES else [])]
    result = functools.partial(_values, average=average)
    return shared.computations(names, result, model_names)


def _read_matches(outputs: Any, regions: Regions) -> ImageMatches:
    return match_detections((box_regions if regions == "boxes" else mask_regions)(outputs))


def _values(scores: DetectionScores, average: str) -> Iterator[float | str]:
    things = scores.only(set(scores.categories.tolist()) - COCO_STUFF)
    yield things.summary()[average]
    if average == _WITH_CATEGORIES:
        yield category_values(scores, things).to_text()


def category_values(scores: DetectionScores, averaged: DetectionScores) -> CategoryValues:
    """The twelve numbers of each category, and curves of precision over recall.

    Args:
        scores: Of all categories.
        averaged: Of those that the curves are means over.

    Returns:
        Beside the numbers, `targets` to find; a curve for each threshold of overlap, for example
        `precision_50`, at 101 recalls.
    """
    values = {
        int(category): {
            "targets": float(count),
            **scores.only({int(category)}).summary(),
        }
        for category, count in zip(scores.categories, scores.num_targets[:, 0], strict=True)
    }
    curves = {
        f"precision_{round(100 * threshold)}": curve.tolist()
        for threshold, curve in zip(IOU_THRESHOLDS, averaged.mean_precision(), strict=True)
    }
    return CategoryValues(values, curves)
