"""Sheets of pictures, in the page and as files."""

from __future__ import annotations

import base64
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from components.reports.picture_sheets import Sheet, halves, sheet_picture, sheet_png

Pixels = np.ndarray[Any, Any]


def pictures(rows: int, columns: int, side: int) -> Pixels:
    """Smooth pictures, each of its own colour."""
    random = np.random.default_rng(0)
    corners = random.integers(0, 256, (rows, columns, 1, 1, 3))
    slope = np.linspace(-20, 20, side)[:, np.newaxis, np.newaxis]
    return np.clip(corners + slope + np.zeros((side, side, 3)), 0, 255).astype(np.uint8)


def labelled(rows: int, columns: int, side: int) -> Sheet:
    return Sheet(
        pictures(rows, columns, side),
        tuple(f"row {row}\nbelow" for row in range(rows)),
        tuple(f"column {column}" for column in range(columns)),
        tuple(tuple(f"{row}/{column}" for column in range(columns)) for row in range(rows)),
    )


def read(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)))


def drawing(sheet: Sheet, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(sheet_picture(sheet, "x", **options).svg)


def shown(root: ElementTree.Element) -> list[tuple[str, Pixels]]:
    """The pictures inside a drawing, with the kind of their file."""
    found = []
    for image in root.findall("{*}image"):
        kind, data = image.attrib["href"].split(";base64,")
        found.append((kind.removeprefix("data:image/"), read(base64.b64decode(data))))
    return found


def test_small_pictures_are_in_the_page_pixel_by_pixel() -> None:
    sheet = labelled(2, 3, 32)
    root = drawing(sheet)
    for (kind, pixels), row in zip(shown(root), sheet.pixels, strict=True):
        assert kind == "png"
        np.testing.assert_array_equal(pixels, np.concatenate(list(row), axis=1))
    assert all("pixelated" in image.attrib["style"] for image in root.findall("{*}image"))


@pytest.mark.parametrize(("side", "kept"), [(128, 128), (256, 128), (512, 128)])
def test_large_pictures_are_in_the_page_as_jpeg_of_a_bounded_size(side: int, kept: int) -> None:
    sheet = Sheet(pictures(1, 3, side))
    [(kind, pixels)] = shown(drawing(sheet))
    assert kind == "jpeg"
    assert pixels.shape == (kept, 3 * kept, 3)
    whole = np.concatenate(list(sheet.pixels[0]), axis=1).astype(float)
    times = side // kept
    means = whole.reshape(kept, times, 3 * kept, times, 3).mean(axis=(1, 3))
    assert np.abs(pixels - means).mean() < 2.0


def test_labels_of_the_page_are_text_at_their_pictures() -> None:
    root = drawing(labelled(2, 2, 32))
    places = {text.text: text.attrib for text in root.findall("{*}text")}
    assert set(places) == {
        *("row 0", "row 1", "below", "column 0", "column 1"),
        *("0/0", "0/1", "1/0", "1/1"),
    }
    first, second = (image.attrib for image in root.findall("{*}image"))
    for text, image in (("row 0", first), ("row 1", second)):
        top, height = float(image["y"]), float(image["height"])
        assert top < float(places[text]["y"]) < top + height / 2
    assert float(places["column 0"]["y"]) < float(first["y"])
    below = float(places["0/1"]["y"])
    assert float(first["y"]) + float(first["height"]) < below < float(second["y"])
    middle = float(first["x"]) + float(first["width"]) * 3 / 4
    assert float(places["0/1"]["x"]) == pytest.approx(middle, abs=0.1)


def test_sheet_keeps_to_its_width_and_few_pictures_do_not_fill_it() -> None:
    for columns, width in ((2, 1000.0), (20, 500.0)):
        root = drawing(labelled(1, columns, 32), width=width)
        assert root.attrib["viewBox"].startswith(f"0 0 {width:g} ")
        [image] = root.findall("{*}image")
        right = float(image.attrib["x"]) + float(image.attrib["width"])
        assert right <= width + 0.1
        assert float(image.attrib["width"]) / columns <= 150


def test_labels_cannot_become_markup() -> None:
    sheet = Sheet(pictures(1, 1, 32), ("<script>&",), ('">',), (("</svg>",),))
    root = drawing(sheet)
    assert {text.text for text in root.findall("{*}text")} == {"<script>&", '">', "</svg>"}


@pytest.mark.parametrize(("side", "times"), [(32, 3), (64, 2), (96, 1), (128, 1)])
def test_file_holds_every_pixel(side: int, times: int) -> None:
    bare = Sheet(pictures(2, 3, side))
    pixels = read(sheet_png(bare))
    step = side * times + 4
    assert pixels.shape == (2 * step, 3 * step, 3)
    for row in range(2):
        for column in range(3):
            top, left = row * step, column * step
            cell = pixels[top : top + side * times, left : left + side * times]
            expected = bare.pixels[row, column].repeat(times, axis=0).repeat(times, axis=1)
            np.testing.assert_array_equal(cell, expected)


def test_labels_of_a_file_stand_beside_its_pictures() -> None:
    sheet, bare = labelled(2, 3, 96), Sheet(pictures(2, 3, 96))
    pixels = read(sheet_png(sheet))
    without = read(sheet_png(bare))
    left, top = (pixels.shape[1] - without.shape[1], 18)
    np.testing.assert_array_equal(pixels[top : top + 96, left : left + 96], bare.pixels[0, 0])
    for part in (pixels[:top, left:], pixels[top : top + 96, :left], pixels[top + 96 : top + 114]):
        assert (part < 100).any()  # something is written
        assert (part == 255).mean() > 0.5


def test_halves_share_the_columns() -> None:
    first, second = halves(labelled(5, 2, 32))
    assert [len(first.pixels), len(second.pixels)] == [3, 2]
    assert second.row_labels == ("row 3\nbelow", "row 4\nbelow")
    assert second.cell_labels[0] == ("3/0", "3/1")
    assert first.column_labels == second.column_labels == ("column 0", "column 1")
    [only] = halves(Sheet(pictures(1, 2, 32)))
    assert len(only.pixels) == 1
