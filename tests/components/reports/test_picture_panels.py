"""Panels with boxes and labels, in the page and as files."""

from __future__ import annotations

import base64
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from components.reports.label_places import covered
from components.reports.panel_png import rows_png
from components.reports.panel_svg import row_picture
from components.reports.picture_panels import (
    LABEL_FONT,
    Mark,
    Panel,
    PanelRow,
    lay_out,
    shortened,
    text_width,
)

GREEN, RED = (0, 120, 0), (250, 0, 0)
EVIL = '<script>alert("1")</script>'


def gray(height: int, width: int) -> np.ndarray[Any, Any]:
    return np.full((height, width, 3), 128, np.uint8)


def row_of(*marks: Mark, height: int = 100, width: int = 200, **options: Any) -> PanelRow:
    panel = Panel(gray(height, width), marks, "below")
    return PanelRow((panel,), **{"columns": 1, **options})


def drawing(row: PanelRow) -> ElementTree.Element:
    return ElementTree.fromstring(row_picture(row, "x").svg)


def outlines(root: ElementTree.Element) -> list[dict[str, str]]:
    return [one.attrib for one in root.iter() if one.attrib.get("fill") == "none"]


def words(root: ElementTree.Element) -> list[str]:
    return [text for text in root.itertext() if text]


def test_a_wide_picture_fills_its_column_and_a_tall_one_is_no_higher_than_others() -> None:
    row = PanelRow((Panel(gray(100, 400)), Panel(gray(800, 200))), columns=2)
    wide, tall = lay_out(row).panels
    assert wide.size == pytest.approx((495, 123.75))
    assert tall.size == pytest.approx((85, 340))
    # In the middle of their columns, and of the row.
    assert (wide.middle, tall.middle) == (247.5, 752.5)
    assert wide.corner == pytest.approx((0, (340 - 123.75) / 2))
    assert lay_out(PanelRow(row.panels[1:], columns=5)).panels[0].size[1] == 192


def test_boxes_are_drawn_where_they_are() -> None:
    mark = Mark((20, 10, 60, 50), "dog 98%", GREEN)
    root = drawing(row_of(mark, width=400))
    shadow, line = outlines(root)
    assert line["stroke"] == "#007800" and shadow["stroke"] == "#000000"
    assert float(shadow["stroke-width"]) > float(line["stroke-width"])
    # 400 pixels are 1000 wide in the page.
    numbers = [float(line[name]) for name in ("x", "y", "width", "height")]
    assert numbers == pytest.approx([50, 25, 100, 100])
    assert "dog 98%" in words(root) and "below" in words(root)


def test_boxes_that_pass_the_edge_are_cut_at_it() -> None:
    [_, line] = outlines(drawing(row_of(Mark((-50, -50, 900, 50), "dog", GREEN))))
    placed = lay_out(row_of()).panels[0]
    assert 0 < float(line["x"]) < 1
    assert float(line["x"]) + float(line["width"]) == pytest.approx(placed.size[0] - 0.8, abs=0.1)


def test_crowds_are_dashed() -> None:
    marks = (Mark((10, 10, 90, 90), "a", RED, dashed=True), Mark((10, 10, 50, 50), "b", GREEN))
    dashed = [
        one["stroke"] for one in outlines(drawing(row_of(*marks))) if "stroke-dasharray" in one
    ]
    assert dashed == ["#000000", "#fa0000"]


def test_labels_lie_in_the_picture_and_apart() -> None:
    random = np.random.default_rng(0)
    corners = random.uniform([0, 0], [190, 90], (12, 2))
    marks = [Mark((x, y, x + 12, y + 12), f"thing {x:.0f}", RED) for x, y in corners]
    placed = lay_out(row_of(*marks)).panels[0]
    boxes = [label.box for label in placed.labels()]
    assert len(boxes) == 12
    for number, box in enumerate(boxes):
        assert min(box) >= 0 and box[2] <= placed.size[0] + 1e-6 and box[3] <= placed.size[1] + 1e-6
        assert covered(box, boxes[:number]) == 0


def test_labels_without_an_outline_give_way() -> None:
    points = [Mark((100, 50, 100, 50), f"segment {one}", RED, outlined=False) for one in range(20)]
    root = drawing(row_of(*points, height=40, width=120))
    assert outlines(root) == []
    shown = [word for word in words(root) if word.startswith("segment")]
    assert "segment 0" in shown and len(shown) < 20


def test_long_labels_are_cut() -> None:
    text = shortened("refrigerator beside the dining table", 80)
    assert text.startswith("refr") and text.endswith("…")
    assert text_width(text, LABEL_FONT) <= 80
    assert shortened("dog", 80) == "dog"


def test_key_is_broken_into_lines() -> None:
    few, many = (tuple((GREEN, f"category {n}") for n in range(count)) for count in (2, 30))
    assert lay_out(row_of(key=many)).height > lay_out(row_of(key=few)).height
    entries = lay_out(row_of(key=many)).key
    assert len({y for _, y, _, _ in entries}) > 1
    assert all(x + text_width(text, 13) < 1000 for x, _, _, text in entries)
    assert {"category 0", "category 29"} <= set(words(drawing(row_of(key=many))))


def test_pictures_in_the_page_are_reduced_to_what_is_seen() -> None:
    image = next(
        one for one in drawing(row_of(height=3000, width=4000)).iter() if "href" in one.attrib
    )
    data = base64.b64decode(image.attrib["href"].partition(";base64,")[2])
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "JPEG" and picture.size[1] == round(1.3 * 340)
    assert np.abs(np.asarray(picture).astype(int) - 128).max() < 4


def test_words_cannot_become_markup() -> None:
    panel = Panel(gray(40, 400), (Mark((0, 0, 9, 9), EVIL, RED),), EVIL)
    svg = row_picture(PanelRow((panel,), 1, ((RED, EVIL),)), "x").svg
    assert "<script" not in svg
    assert words(ElementTree.fromstring(svg)).count(EVIL) == 3


def test_file_shows_the_same() -> None:
    mark = Mark((20, 40, 180, 80), "dog", GREEN)
    rows = [row_of(mark, width=400, key=((RED, "cat"),)), row_of(width=400)]
    pixels = np.asarray(Image.open(io.BytesIO(rows_png(rows)))).astype(int)
    heights = [lay_out(row).height + 10 for row in rows]
    assert pixels.shape == (sum(round(1.5 * height) for height in heights), 1500, 3)
    # 400 pixels are 1500 wide in the file: the box's left side, its middle, and the label on it.
    side = pixels[225, 70:80]
    assert any(np.abs(level - GREEN).max() < 3 for level in side)
    assert np.abs(pixels[225, 300] - 128).max() < 3
    assert np.abs(pixels[148 - 20, 78] - GREEN).max() < 3
    red = (np.abs(pixels - RED).max(-1) < 3).sum()
    assert red > 100
    # The label's ink.
    assert 0 < (pixels[:250] > 250).all(-1).sum() < 100


def test_dashes_of_a_file_leave_gaps() -> None:
    mark = Mark((20, 40, 380, 80), "", GREEN, dashed=True)
    pixels = np.asarray(Image.open(io.BytesIO(rows_png([row_of(mark, width=400)])))).astype(int)
    bottom = pixels[298:303, 100:1400]
    green = ((bottom[..., 1] - bottom[..., 0]) > 80).any(0)
    assert 0.4 < green.mean() < 0.8


def test_a_row_with_room_to_spare_ends_where_its_panels_do() -> None:
    panels = (Panel(gray(50, 50)),) * 2
    image = Image.open(io.BytesIO(rows_png([PanelRow(panels, columns=5)])))
    assert image.size[0] == round(1.5 * (2 * 192 + 10))
