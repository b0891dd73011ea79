"""Rows of panels as a PNG file, for where no page is: documents, slides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from components.reports.category_colours import Rgb, ink_on
from components.reports.label_places import Box
from components.reports.picture_panels import (
    CAPTION_FONT,
    DASHES,
    GAP,
    KEY_SIDE,
    LABEL_FONT,
    LABEL_PADDING,
    PAGE_WIDTH,
    STROKES,
    Mark,
    PanelRow,
    PlacedLabel,
    PlacedPanel,
    font_of,
    lay_out,
)
from components.reports.rasters import encode_png

# Pixels of the file for one of the page.
_ENLARGED = 1.5
_INK: Rgb = (28, 37, 48)
_ROUNDED = 2.5


def rows_png(rows: Sequence[PanelRow]) -> bytes:
    """Returns rows one below the other as a PNG file, on white; at least one."""
    from PIL import Image

    layouts = [lay_out(row) for row in rows]
    width = round(_ENLARGED * max(_right_end(row) for row in rows))
    heights = [round(_ENLARGED * (layout.height + GAP)) for layout in layouts]
    canvas = Image.new("RGB", (width, sum(heights)), "white")
    top = 0
    for layout, height in zip(layouts, heights, strict=True):
        part = _Canvas(Image.new("RGB", (width, height), "white"))
        for placed in layout.panels:
            part.panel(placed, layout.captions_y)
        for entry in layout.key:
            part.key(*entry)
        canvas.paste(part.image, (0, top))
        top += height
    return encode_png(np.asarray(canvas))


def _right_end(row: PanelRow) -> float:
    """Of what there is: a row may have room for more panels."""
    column = (PAGE_WIDTH + GAP) / row.columns
    return PAGE_WIDTH if row.key else len(row.panels) * column - GAP


class _Canvas:
    """A PNG's part that is drawn to, in pixels of the page."""

    def __init__(self, image: Any) -> None:
        from PIL import ImageDraw

        self.image = image
        # Colours that let what is below shine through are mixed with it.
        self._draw: Any = ImageDraw.Draw(image, "RGBA")

    def panel(self, placed: PlacedPanel, captions_y: float) -> None:
        from PIL import Image

        x, y = placed.corner
        width, height = (max(1, round(_ENLARGED * side)) for side in placed.size)
        pixels = Image.fromarray(placed.panel.pixels)
        resized = pixels.resize((width, height), Image.Resampling.LANCZOS)
        self.image.paste(resized, (round(_ENLARGED * x), round(_ENLARGED * y)))
        for mark, box in placed.boxes():
            self._outline(_moved(box, x, y), mark)
        for label in reversed(placed.labels()):
            self._label(label, x, y)
        self._text(placed.middle, captions_y, placed.panel.caption, CAPTION_FONT, "mm")

    def key(self, x: float, y: float, colour: Rgb, text: str) -> None:
        square = (x, y - KEY_SIDE / 2, x + KEY_SIDE, y + KEY_SIDE / 2)
        self._draw.rounded_rectangle(_enlarged(square), radius=_ROUNDED * _ENLARGED, fill=colour)
        self._text(x + KEY_SIDE + LABEL_PADDING, y, text, CAPTION_FONT, "lm")

    def _outline(self, box: Box, mark: Mark) -> None:
        for stroke in STROKES:
            fill = (*(stroke.colour or mark.colour), round(255 * stroke.opacity))
            width = max(1, round(_ENLARGED * stroke.width))
            if mark.dashed:
                for start, end in _dashes(box):
                    self._draw.line([*_enlarged(start), *_enlarged(end)], fill=fill, width=width)
            else:
                outside = _grown(box, stroke.width / 2)
                self._draw.rectangle(_enlarged(outside), outline=fill, width=width)

    def _label(self, label: PlacedLabel, x: float, y: float) -> None:
        box = _moved(label.box, x, y)
        radius = _ROUNDED * _ENLARGED
        self._draw.rounded_rectangle(_enlarged(box), radius=radius, fill=label.colour)
        middle = (box[1] + box[3]) / 2
        ink = ink_on(label.colour)
        self._text(box[0] + LABEL_PADDING, middle, label.text, LABEL_FONT, "lm", ink)

    def _text(self, x: float, y: float, text: str, size: int, anchor: str, ink: Rgb = _INK) -> None:
        font = font_of(size * _ENLARGED)
        self._draw.text(_enlarged((x, y)), text, fill=ink, font=font, anchor=anchor)


def _dashes(box: Box) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The dashes of a box's sides, each from one point to another."""
    left, top, right, bottom = box
    dash, gap = DASHES
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for (x, y), (next_x, next_y) in pairwise(corners):
        length = max(abs(next_x - x), abs(next_y - y))
        for start in np.arange(0.0, length, dash + gap).tolist():
            ends = (start / length, min(start + dash, length) / length)
            first, last = ((x + one * (next_x - x), y + one * (next_y - y)) for one in ends)
            yield first, last


def _moved(box: Box, x: float, y: float) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _grown(box: Box, by: float) -> Box:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _enlarged(numbers: Sequence[float]) -> list[int]:
    return [round(_ENLARGED * number) for number in numbers]
