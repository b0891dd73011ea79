"""Where a detector's queries look, over the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.reports.detr_categories import Categories
from components.reports.detr_overlays import box_marks, surest
from components.reports.detr_predictions import Objects, ShownImage
from components.reports.picture_panels import Panel, PanelRow, Pixels
from components.reports.rasters import colours

#: Queries of this score or more are shown first.
CONFIDENT = 0.7
#: Queries of an image, and images, that are shown at most.
QUERIES, IMAGES = 5, 4
_COLOUR_MAP = "inferno"
# Of the image where nobody looks.
_DIMMED = 0.55
# Maps are pale but for their peak; this root of them shows more.
_ROOT = 0.6
# Of the brightest place: what is there must still be seen.
_OPACITY = 0.85
# The brightest place counts at least so many times the mean: who looks everywhere looks nowhere.
_LEAST_PEAK = 4.0


def attention_rows(
    images: tuple[ShownImage, ...], categories: Categories
) -> list[tuple[int, PanelRow]]:
    """Shows the images with the most confident queries.

    Args:
        images: To choose from.
        categories: Name and colour what was found.

    Returns:
        The image's number, and a row of its queries, the surest first.
    """
    order = sorted(images, key=lambda image: -len(surest(image.found, CONFIDENT).labels))
    return [(image.number, _row(image, categories)) for image in order[:IMAGES]]


def shown_queries(found: Objects, categories: Categories) -> NDArray[np.int64]:
    """Numbers of the queries to show: those that found things first, then by their scores."""
    is_thing = np.array([categories.is_thing(int(label)) for label in found.labels], bool)
    confident = found.scores >= CONFIDENT
    order = np.lexsort((-found.scores, ~(is_thing & confident), ~confident))
    return np.asarray(order[:QUERIES], np.int64)


def look_map(pixels: Pixels, attention: NDArray[np.float32]) -> Pixels:
    """Lays an attention map over an image in gray.

    Args:
        pixels: `[height, width, 3]`.
        attention: `[rows, columns]`, at least 0.

    Returns:
        The image, brightest and warmest where the query looks most.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    peak = max(float(attention.max()), _LEAST_PEAK * float(attention.mean()), 1e-12)
    strength = Image.fromarray(attention / peak)
    smooth = np.asarray(strength.resize((width, height), Image.Resampling.BICUBIC))
    levels = np.clip(smooth, 0.0, 1.0)[..., np.newaxis] ** _ROOT
    gray = pixels @ np.array([0.299, 0.587, 0.114])
    warm, cold = colours(levels[..., 0], _COLOUR_MAP), _DIMMED * gray[..., np.newaxis]
    mixed = _OPACITY * levels * warm + (1 - _OPACITY * levels) * cold
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def _row(image: ShownImage, categories: Categories) -> PanelRow:
    panels = []
    for query in shown_queries(image.found, categories):
        one = image.found.kept(np.array([query]))
        panels.append(
            Panel(
                look_map(image.pixels, image.attention[query]),
                tuple(box_marks(one, categories, scored=True)),
                f"query {query}",
            )
        )
    return PanelRow(tuple(panels), columns=QUERIES)
