"""Sheets: small pictures in labelled rows and columns, for the page and as PNG files.

In the page a sheet is an SVG whose labels are text in the page's colours. Each row is one picture
inside it: PNG where single pixels are to be seen, else JPEG, which takes a fifth of the room.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.reports.content import Picture
from components.reports.rasters import encode_png

Pixels = NDArray[np.uint8]

#: Pictures with fewer columns are shown with visible pixels.
_SMALL = 100
#: Wider pictures are halved for the page until they are not.
_LARGEST = 160
_JPEG_QUALITY = 90
#: Of a picture in the page at most, and in a file at least; pixels.
_PAGE_SIDE, _FILE_SIDE = 150.0, 96
_FONT, _LINE, _GAP = 13, 18.0, 4.0
# Of a letter in the page, about; a browser alone knows it.
_LETTER = 7.4
_MIDDLE = ' text-anchor="middle"'


@dataclass(frozen=True, eq=False)
class Sheet:
    """Pictures of one size in rows and columns.

    Attributes:
        pixels: `[rows, columns, height, width, 3]`, 8-bit levels.
        row_labels: One a row, left of it, or none; a line feed begins a line.
        column_labels: One a column, above it, or none.
        cell_labels: Of each row one a column, below the picture, or none.
    """

    pixels: Pixels
    row_labels: tuple[str, ...] = ()
    column_labels: tuple[str, ...] = ()
    cell_labels: tuple[tuple[str, ...], ...] = ()

    def part(self, rows: slice) -> Sheet:
        """Some of the rows."""
        return replace(
            self,
            pixels=self.pixels[rows],
            row_labels=self.row_labels[rows],
            cell_labels=self.cell_labels[rows],
        )


def halves(sheet: Sheet) -> tuple[Sheet, ...]:
    """Two sheets to stand side by side, the first not the shorter; one if there is but one row."""
    middle = (len(sheet.pixels) + 1) // 2
    parts = (sheet.part(slice(middle)), sheet.part(slice(middle, None)))
    return tuple(part for part in parts if len(part.pixels))


def sheet_picture(sheet: Sheet, alt: str, caption: str = "", width: float = 1000.0) -> Picture:
    """Returns a sheet for the page.

    Args:
        sheet: At least one row and one column.
        alt: What it shows.
        caption: Below it.
        width: That it will have in the page, pixels.
    """
    rows, columns, tall, wide, _ = sheet.pixels.shape
    lines = [line for label in sheet.row_labels for line in label.split("\n")]
    left = max([_LETTER * len(line) + _GAP for line in lines], default=0.0)
    cell = min(_PAGE_SIDE, (width - left) / columns)
    places = _places(sheet, left, cell, cell * tall / wide, column_gap=0.0)
    parts = [
        f'<text x="{x:.1f}" y="{y:.1f}" dy=".35em"{_MIDDLE if centred else ""}>'
        f"{html.escape(text)}</text>"
        for x, y, text, centred in _labels(sheet, places)
    ]
    parts += [
        f'<image x="{left:g}" y="{places.y(row):.1f}" width="{cell * columns:.1f}"'
        f' height="{places.height:.1f}" preserveAspectRatio="none" {_strip(pictures)}/>'
        for row, pictures in enumerate(sheet.pixels)
    ]
    # Columns touch inside a row's picture; what parts them is drawn over it.
    parts += [
        f'<rect x="{places.x(column) - _GAP / 2:.1f}" y="{places.y(row):.1f}" width="{_GAP:g}"'
        f' height="{places.height:.1f}" style="fill:var(--card)"/>'
        for row in range(rows)
        for column in range(1, columns)
    ]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {places.y(rows):.1f}"'
        f' font-size="{_FONT}" style="fill:var(--muted)">{"".join(parts)}</svg>'
    )
    return Picture(svg.encode(), alt, "image/svg+xml", caption)


def sheet_png(sheet: Sheet) -> bytes:
    """Returns a sheet as a PNG file: every pixel as it is or enlarged, on white."""
    from PIL import Image, ImageDraw, ImageFont

    times = -(-_FILE_SIDE // sheet.pixels.shape[3])
    pixels = sheet.pixels.repeat(times, axis=2).repeat(times, axis=3)
    rows, columns, tall, wide, _ = pixels.shape
    font: Any = ImageFont.load_default(_FONT)
    lines = [line for label in sheet.row_labels for line in label.split("\n")]
    left = max([font.getlength(line) + 2 * _GAP for line in lines], default=0.0)
    places = _places(sheet, round(left), wide, tall, column_gap=_GAP)
    size = (round(places.x(columns)), round(places.y(rows)))
    canvas = Image.new("RGB", size, "white")
    for row in range(rows):
        for column in range(columns):
            corner = (round(places.x(column)), round(places.y(row)))
            canvas.paste(Image.fromarray(pixels[row, column]), corner)
    draw = ImageDraw.Draw(canvas)
    for x, y, text, centred in _labels(sheet, places):
        where, anchor = ((x, y), "mm") if centred else ((x + _GAP / 2, y), "lm")
        draw.text(where, text, fill="#1c2530", font=font, anchor=anchor)
    return encode_png(np.asarray(canvas))


class _Places(NamedTuple):
    """Where pictures are; `x` and `y` give a picture's upper left corner."""

    left: float
    top: float
    width: float
    height: float
    column_step: float
    row_step: float

    def x(self, column: int) -> float:
        return self.left + column * self.column_step

    def y(self, row: int) -> float:
        return self.top + row * self.row_step


def _places(sheet: Sheet, left: float, width: float, height: float, column_gap: float) -> _Places:
    top, below = (_LINE if labels else 0.0 for labels in (sheet.column_labels, sheet.cell_labels))
    return _Places(left, top, width, height, width + column_gap, height + below + _GAP)


def _labels(sheet: Sheet, places: _Places) -> Iterator[tuple[float, float, str, bool]]:
    """Gives (x, y, text, whether x is its middle or its left end); y is its middle."""
    for column, text in enumerate(sheet.column_labels):
        yield places.x(column) + places.width / 2, _LINE / 2, text, True
    for row, label in enumerate(sheet.row_labels):
        lines = label.split("\n")
        first = places.y(row) + (places.height - (len(lines) - 1) * _LINE) / 2
        for number, text in enumerate(lines):
            yield 0.0, first + number * _LINE, text, False
    for row, labels in enumerate(sheet.cell_labels):
        for column, text in enumerate(labels):
            middle = places.y(row) + places.height + _LINE / 2
            yield places.x(column) + places.width / 2, middle, text, True


def _strip(pictures: Pixels) -> str:
    """One row's pictures `[columns, height, width, 3]`, as attributes of an SVG image."""
    from PIL import Image

    joined, side = np.concatenate(list(pictures), axis=1), pictures.shape[2]
    if side < _SMALL:
        data, kind, style = encode_png(joined), "png", ' style="image-rendering:pixelated"'
    else:
        factor = 1
        while side > factor * _LARGEST:
            factor *= 2
        buffer = io.BytesIO()
        reduced = Image.fromarray(joined).reduce(factor)
        reduced.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        data, kind, style = buffer.getvalue(), "jpeg", ""
    return f'href="data:image/{kind};base64,{base64.b64encode(data).decode()}"{style}'
