"""The metrics of `panoptic_quality` for `tfma.MetricConfig`; all share one accumulator."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import tensorflow_model_analysis as tfma

from components.errors import ConfigError
from components.evaluators.category_values import BY_CATEGORY, CategoryValues
from components.evaluators.coco_categories import PanopticCategories
from components.evaluators.detection_metrics_config import PANOPTIC_METRICS
from components.evaluators.panoptic_matching import panoptic_counts
from components.evaluators.panoptic_outputs import read_panoptic
from components.evaluators.panoptic_quality import PanopticCounts, SegmentCounts
from components.evaluators.shared_accumulator import SharedAccumulator

_WITH_CATEGORIES = "pq"


class PanopticMetric(tfma.metrics.Metric):
    """Any metric of `PANOPTIC_METRICS`, by its name.

    Args:
        name: Says which quality is measured, and of which categories.
    """

    def __init__(self, name: str) -> None:
        if name not in PANOPTIC_METRICS:
            raise ConfigError(
                "unknown metric of panoptic segments",
                found=name,
                expected=" | ".join(PANOPTIC_METRICS),
            )
        super().__init__(_create_computations, name=name)


def _create_computations(name: str = "", model_names: list[str] | None = None) -> list[Any]:
    shared = SharedAccumulator("segments", _read_counts, PanopticCounts)
    names = [name, *([name + BY_CATEGORY] if name == _WITH_CATEGORIES else [])]
    return shared.computations(names, functools.partial(_values, name=name), model_names)


def _read_counts(outputs: Any) -> dict[int, SegmentCounts]:
    return panoptic_counts(read_panoptic(outputs))


def _values(counts: PanopticCounts, name: str) -> Iterator[float | str]:
    quality, part = PANOPTIC_METRICS[name]
    categories = PanopticCategories()
    mean = counts.mean(getattr(categories, part or "all"))
    yield getattr(mean, quality)
    if name == _WITH_CATEGORIES:
        yield category_values(counts).to_text()


def category_values(counts: PanopticCounts) -> CategoryValues:
    """The qualities of each category that occurs, and what they are made of."""
    return CategoryValues(
        {
            category: {
                "pq": quality.pq,
                "sq": quality.sq,
                "rq": quality.rq,
                "matches": float(counts.by_category[category].matches),
                "false_positives": float(counts.by_category[category].false_positives),
                "false_negatives": float(counts.by_category[category].false_negatives),
            }
            for category, quality in counts.qualities().items()
        }
    )
