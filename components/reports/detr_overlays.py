"""True and predicted boxes, and true and predicted segments, over their image."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from components.evaluators.panoptic_outputs import PanopticSegments
from components.reports.detr_categories import Categories
from components.reports.detr_predictions import Objects, ShownImage
from components.reports.picture_panels import Mark, Panel, PanelRow, Pixels

#: Boxes of at least this score are drawn.
DRAWN_FROM = 0.5
# Opacity of a segment's colour over the image; what belongs to no segment is darkened.
_SEGMENT_OPACITY, _VOID_BRIGHTNESS = 0.6, 0.35
_BORDER = np.array([255, 255, 255], np.uint8)
# Segments of a smaller share of the image have no label in it; the key names them all.
_LABELLED_SHARE = 0.006
# Borders are a pixel wide, so smaller images are enlarged before they are drawn.
_SMALLEST_SIDE = 480


def box_row(image: ShownImage, categories: Categories) -> PanelRow:
    """Shows an image twice, with the true boxes of its things and with those found."""
    true, found = (things(one, categories) for one in (image.true, surest(image.found, DRAWN_FROM)))
    panels = (
        Panel(
            image.pixels,
            tuple(box_marks(true, categories, scored=False)),
            f"true: {counted(len(true.labels), 'box', 'boxes')}",
        ),
        Panel(
            image.pixels,
            tuple(box_marks(found, categories, scored=True)),
            f"found: {len(found.labels)}",
        ),
    )
    return PanelRow(panels, columns=2)


def surest(objects: Objects, least: float) -> Objects:
    """Those of at least a score, the surest first."""
    order = np.argsort(-objects.scores, kind="stable")
    return objects.kept(order[objects.scores[order] >= least])


def things(objects: Objects, categories: Categories) -> Objects:
    """Those that can be counted: what average precision is the mean of."""
    return objects.kept(np.array([categories.is_thing(int(one)) for one in objects.labels], bool))


def box_marks(objects: Objects, categories: Categories, *, scored: bool) -> Iterable[Mark]:
    """Boxes to draw.

    Args:
        objects: Where and what.
        categories: Name and colour them.
        scored: Whether the scores are told.
    """
    every = (objects.boxes_xyxy.tolist(), objects.labels, objects.scores, objects.is_crowd)
    for box, label, score, is_crowd in zip(*every, strict=True):
        words = f"{categories.name(int(label))}{' (crowd)' if is_crowd else ''}"
        yield Mark(
            tuple(box),
            f"{words} {score:.0%}" if scored else words,
            categories.colour(int(label)),
            dashed=bool(is_crowd),
        )


def segment_row(image: ShownImage, categories: Categories) -> PanelRow | None:
    """Shows an image, its true and its predicted segments; None of a network without masks."""
    if image.found_segments is None:
        return None
    both = {"true": image.true_segments, "found": image.found_segments}
    known = {name: segments for name, segments in both.items() if segments is not None}
    panels = (
        Panel(image.pixels, caption="image"),
        *(_segment_panel(image.pixels, one, categories, name) for name, one in known.items()),
    )
    shown = {int(one) for segments in known.values() for one in segments.categories}
    ordered = sorted(shown, key=lambda one: (not categories.is_thing(one), one))
    key = tuple((categories.colour(one), categories.name(one)) for one in ordered)
    return PanelRow(panels, 3, key)


def paint_segments(pixels: Pixels, segments: PanopticSegments, categories: Categories) -> Pixels:
    """Lays the segments' colours over an image; they have white borders.

    Args:
        pixels: `[height, width, 3]`.
        segments: Of the same size.
        categories: Colour them.

    Returns:
        The image with its shorter side at least 480 pixels long.
    """
    times = -(-_SMALLEST_SIDE // min(pixels.shape[:2]))
    owners = _owners(segments)
    colours = np.array([categories.colour(int(one)) for one in segments.categories], float)
    painted = pixels * _VOID_BRIGHTNESS
    inside = owners >= 0
    if inside.any():
        own = colours[owners[inside]]
        painted[inside] = _SEGMENT_OPACITY * own + (1 - _SEGMENT_OPACITY) * pixels[inside]
    enlarged = np.rint(painted).astype(np.uint8).repeat(times, axis=0).repeat(times, axis=1)
    enlarged[_borders(owners.repeat(times, axis=0).repeat(times, axis=1))] = _BORDER
    return enlarged


def counted(number: int, one: str, many: str) -> str:
    """Returns words like `1 box` and `2 boxes`."""
    return f"{number:,} {one if number == 1 else many}"


def _segment_panel(
    pixels: Pixels, segments: PanopticSegments, categories: Categories, name: str
) -> Panel:
    caption = f"{name}: {counted(len(segments.ids), 'segment', 'segments')}"
    painted = paint_segments(pixels, segments, categories)
    scale = painted.shape[0] / pixels.shape[0]
    return Panel(painted, tuple(_segment_marks(segments, categories, scale)), caption)


def _segment_marks(
    segments: PanopticSegments, categories: Categories, scale: float
) -> Iterable[Mark]:
    """Labels at the widest places of the segments, the largest segment's first."""
    owners = _owners(segments)
    areas = np.bincount(owners[owners >= 0], minlength=len(segments.ids))
    for segment in np.argsort(-areas, kind="stable"):
        if areas[segment] < _LABELLED_SHARE * owners.size:
            return
        category = int(segments.categories[segment])
        x, y = (scale * place for place in widest_place(owners == segment))
        crowd = " (crowd)" if segments.is_crowd[segment] else ""
        name = f"{categories.name(category)}{crowd}"
        yield Mark((x, y, x, y), name, categories.colour(category), outlined=False)


def widest_place(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Returns (x, y) of the pixel of a mask that is farthest from its edge, and the image's."""
    from scipy.ndimage import distance_transform_edt

    distances = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(distances)), mask.shape)
    return float(column) + 0.5, float(row) + 0.5


def _owners(segments: PanopticSegments) -> NDArray[np.int64]:
    """Each pixel's segment, as its place in the list; -1 for none."""
    if not len(segments.ids):
        return np.full(segments.segment_map.shape, -1)
    order = np.argsort(segments.ids)
    listed = segments.ids[order]
    near = np.minimum(np.searchsorted(listed, segments.segment_map), len(listed) - 1)
    return np.where(listed[near] == segments.segment_map, order[near], -1)


def _borders(owners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The pixels whose right or lower neighbour belongs to another segment."""
    borders = np.zeros(owners.shape, bool)
    borders[:, :-1] |= owners[:, 1:] != owners[:, :-1]
    borders[:-1] |= owners[1:] != owners[:-1]
    return borders
