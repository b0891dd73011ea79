"""Panels: pictures side by side with boxes and labels drawn over them, for the page and as PNG.

In the page a row is an SVG: boxes and labels stay sharp at any size. Both kinds share one layout,
in pixels of the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.reports.category_colours import Rgb
from components.reports.label_places import (
    Box,
    corners_around,
    corners_beside,
    covered,
    place_label,
)

Pixels = NDArray[np.uint8]

#: Of a row in the page, pixels.
PAGE_WIDTH = 1000.0
GAP = 10.0
# A picture is at most so high in the page, and in a narrow column as high as that is wide.
_HIGHEST = 340.0
LABEL_FONT, LABEL_HEIGHT, LABEL_PADDING = 11, 15.0, 4.0
CAPTION_FONT, LINE = 13, 22.0
KEY_SIDE = 11.0
#: Of a dashed line: the length of a dash, and of what is between two.
DASHES = (6.0, 4.0)
_ELLIPSIS = "…"


class Stroke(NamedTuple):
    """A line that an outline is drawn with; without a colour it has the mark's."""

    width: float
    colour: Rgb | None
    opacity: float


#: An outline is a thin line on a shadow, so that it is seen on light and dark.
STROKES = (Stroke(3.4, (0, 0, 0), 0.4), Stroke(1.6, None, 1.0))


@dataclass(frozen=True)
class Mark:
    """Something to point out in a picture.

    Attributes:
        box_xyxy: Left, top, right, bottom in pixels of the picture; what has no outline is labelled
            at its middle.
        label: In a few words.
        colour: Of outline and label.
        outlined: Whether the box is drawn.
        dashed: Whether its line is.
    """

    box_xyxy: Box
    label: str
    colour: Rgb
    outlined: bool = True
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """A picture with what is pointed out in it.

    Attributes:
        pixels: `[height, width, 3]`, 8-bit levels.
        marks: The most important first: labels of the others give way to its label.
        caption: Below it.
    """

    pixels: Pixels
    marks: tuple[Mark, ...] = ()
    caption: str = ""


@dataclass(frozen=True, eq=False)
class PanelRow:
    """Panels side by side.

    Attributes:
        panels: At least one.
        columns: For how many there is room.
        key: What colours mean, below the panels.
    """

    panels: tuple[Panel, ...]
    columns: int
    key: tuple[tuple[Rgb, str], ...] = ()


@dataclass(frozen=True)
class PlacedLabel:
    """A label's box in pixels of the page, from its picture's corner, and what stands in it."""

    box: Box
    text: str
    colour: Rgb


@dataclass(frozen=True, eq=False)
class PlacedPanel:
    """A panel as it lies in its row, in pixels of the page.

    Attributes:
        panel: What is shown.
        corner: Upper left one of the picture.
        size: Width and height of the picture.
        middle: x of the column's middle.
    """

    panel: Panel
    corner: tuple[float, float]
    size: tuple[float, float]
    middle: float

    @property
    def scale(self) -> float:
        """Pixels of the page for one of the picture."""
        return self.size[0] / self.panel.pixels.shape[1]

    def boxes(self) -> Iterator[tuple[Mark, Box]]:
        """Outlines, the least important first, from the picture's corner; none passes its edge."""
        for mark in reversed(self.panel.marks):
            if mark.outlined:
                yield mark, _kept_inside(_scaled(mark.box_xyxy, self.scale), self.size)

    def labels(self) -> list[PlacedLabel]:
        """All that fit; labels of what has no outline are left out where others stand."""
        placed: list[PlacedLabel] = []
        for mark in self.panel.marks:
            text = shortened(mark.label, self.size[0] - 2 * LABEL_PADDING)
            size = (text_width(text, LABEL_FONT) + 2 * LABEL_PADDING, LABEL_HEIGHT)
            box = _scaled(mark.box_xyxy, self.scale)
            if mark.outlined:
                corners = corners_beside(box, size)
            else:
                corners = corners_around((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, size)
            taken = [one.box for one in placed]
            place = place_label(corners, size, self.size, taken)
            if mark.outlined or not covered(place, taken):
                placed.append(PlacedLabel(place, text, mark.colour))
        return placed


@dataclass(frozen=True, eq=False)
class RowLayout:
    """Where everything of a row is, in pixels of the page.

    Attributes:
        panels: The pictures.
        captions_y: Middle of the line of captions.
        key: (x, y of its middle, colour, text).
        height: Of all.
    """

    panels: tuple[PlacedPanel, ...]
    captions_y: float
    key: tuple[tuple[float, float, Rgb, str], ...]
    height: float


def lay_out(row: PanelRow) -> RowLayout:
    """Finds the place of everything in a row."""
    width = (PAGE_WIDTH - (row.columns - 1) * GAP) / row.columns
    sizes = [_fitted(panel.pixels.shape, width) for panel in row.panels]
    tall = max(size[1] for size in sizes)
    panels = []
    for number, (panel, size) in enumerate(zip(row.panels, sizes, strict=True)):
        middle = number * (width + GAP) + width / 2
        corner = (middle - size[0] / 2, (tall - size[1]) / 2)
        panels.append(PlacedPanel(panel, corner, size, middle))
    below = tall + (LINE if any(panel.caption for panel in row.panels) else 0.0)
    key, height = _lay_out_key(row.key, below)
    return RowLayout(tuple(panels), tall + LINE / 2, key, height)


def shortened(text: str, width: float) -> str:
    """Returns a label's text, cut where it is wider than a picture."""
    if text_width(text, LABEL_FONT) <= width:
        return text
    kept = text
    while kept and text_width(kept + _ELLIPSIS, LABEL_FONT) > width:
        kept = kept[:-1]
    return kept + _ELLIPSIS


@cache
def font_of(size: int) -> Any:
    """Pillow's own font, which is there on every machine."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


@cache
def text_width(text: str, size: int) -> float:
    """Of a text in Pillow's own font, pixels."""
    return float(font_of(size).getlength(text))


def _fitted(shape: Sequence[int], width: float) -> tuple[float, float]:
    """Width and height of a picture in a column."""
    scale = min(width / shape[1], min(_HIGHEST, width) / shape[0])
    return shape[1] * scale, shape[0] * scale


def _scaled(box: Box, scale: float) -> Box:
    left, top, right, bottom = (number * scale for number in box)
    return left, top, right, bottom


def _kept_inside(box: Box, size: tuple[float, float]) -> Box:
    """A box of which no side's line lies outside of the picture."""
    margin = STROKES[-1].width / 2
    left, right = (min(max(one, margin), size[0] - margin) for one in box[::2])
    top, bottom = (min(max(one, margin), size[1] - margin) for one in box[1::2])
    return left, top, right, bottom


def _lay_out_key(
    key: Sequence[tuple[Rgb, str]], top: float
) -> tuple[tuple[tuple[float, float, Rgb, str], ...], float]:
    """The key's entries in lines, and where it ends."""
    if not key:
        return (), top
    placed = []
    x, y = 0.0, top + LINE / 2
    for colour, text in key:
        width = KEY_SIDE + LABEL_PADDING + text_width(text, CAPTION_FONT) + 2 * GAP
        if x and x + width > PAGE_WIDTH:
            x, y = 0.0, y + LINE
        placed.append((x, y, colour, text))
        x += width
    return tuple(placed), y + LINE / 2
