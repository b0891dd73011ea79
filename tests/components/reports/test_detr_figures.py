"""What a report shows of a detector, from made-up answers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from components.evaluators.category_values import CategoryValues
from components.evaluators.panoptic_outputs import PanopticSegments
from components.evaluators.verdict import Verdict
from components.reports import detr_categories
from components.reports.content import PaperContent
from components.reports.detr_attention import look_map, shown_queries
from components.reports.detr_categories import (
    Categories,
    Measured,
    category_table,
    load_measured,
)
from components.reports.detr_figures import content_of
from components.reports.detr_overlays import paint_segments, surest, widest_place
from components.reports.detr_precision import precision_picture
from components.reports.detr_predictions import Objects, Predictions, ShownImage
from components.reports.detr_protocol import data_in_words, protocol
from components.reports.render import render_html
from components.reports.report import Report

HEIGHT, WIDTH = 60, 80
PERSON, CAR, DOG, SKY, GRASS = 1, 3, 18, 187, 193
GENERATED, OFFICIAL = (1111, 1259, 1407), (139, 285, 632)
CONFIG: dict[str, Any] = {
    "experiment": {"batch_size": 16, "detector": "blessed"},
    "data": {"dataset": "coco_panoptic", "task": "panoptic"},
    "network": {"classes": 250, "masks": True},
    "training": {"steps": 1200, "learning_rate": 1e-4, "seed": 7, "precision": "float32"},
    "evaluation": {"metrics": ["ap", "ap_50", "mask_ap", "pq"]},
}


def objects(*rows: tuple[int, float], crowds: tuple[int, ...] = ()) -> Objects:
    """Boxes of (category, score), one after the other from the left."""
    count = len(rows)
    left = 12.0 * np.arange(count)
    boxes = np.stack([left, np.full(count, 20.0), left + 10, np.full(count, 40.0)], axis=1)
    is_crowd = np.isin(np.arange(count), crowds)
    labels, scores = (np.array([row[place] for row in rows]) for place in (0, 1))
    return Objects(boxes, labels.astype(int), scores.astype(float), is_crowd)


def segments(*categories: int, crowd: bool = False) -> PanopticSegments:
    """Upright stripes of equal width, the last of them void."""
    ids = np.array([70_000 - number for number in range(len(categories))], np.int64)
    stripes = np.append(ids, 0).repeat(WIDTH // (len(ids) + 1))
    owners = np.zeros((HEIGHT, WIDTH), np.int32)
    owners[:, : len(stripes)] = stripes
    is_crowd = (np.arange(len(ids)) == 0) & crowd
    return PanopticSegments(owners, ids, np.array(categories, np.int64), is_crowd)


def shown_image(number: int, found: Objects, *, panoptic: bool = True) -> ShownImage:
    random = np.random.default_rng(number)
    return ShownImage(
        number,
        np.full((HEIGHT, WIDTH, 3), number % 256, np.uint8),
        objects((PERSON, 1), (DOG, 1), crowds=(0,)),
        found,
        random.uniform(0, 1, (len(found.labels), 4, 5)).astype(np.float32),
        segments(PERSON, SKY, crowd=True),
        segments(DOG, SKY, GRASS) if panoptic else None,
    )


FOUND = objects((SKY, 0.99), (DOG, 0.62), (PERSON, 0.91), (CAR, 0.31))
NOTHING = objects((CAR, 0.2), (DOG, 0.1))


def predictions(*found: Objects, panoptic: bool = True) -> Predictions:
    images = [
        shown_image(number, one, panoptic=panoptic)
        for number, one in zip(OFFICIAL, found, strict=False)
    ]
    return Predictions(tuple(images), OFFICIAL)


def measured() -> Measured:
    curves = {
        f"precision_{50 + 5 * number}": np.linspace(1 - number / 20, 0, 101).tolist()
        for number in range(10)
    }
    boxes = {
        PERSON: {"targets": 1234.0, "ap": 0.25, "ap_50": 0.5},
        DOG: {"targets": 2.0, "ap": 0.75, "ap_50": 1.0},
        SKY: {"targets": 3.0, "ap": 0.9, "ap_50": 0.95},
    }
    pairs = {"matches": 3.0, "false_negatives": 4.0, "false_positives": 1.0}
    quality = {"pq": 0.4, "sq": 0.8, "rq": 0.5}
    return Measured(
        {
            "ap": CategoryValues(boxes, curves),
            "mask_ap": CategoryValues({PERSON: {**boxes[PERSON], "ap": math.nan}}, curves),
            "pq": CategoryValues({GRASS: {**quality, **pairs}, PERSON: {**quality, **pairs}}),
        }
    )


@cache
def content() -> PaperContent:
    return content_of(predictions(FOUND, NOTHING), measured(), CONFIG)


def words(svg: str) -> list[str]:
    return [text.strip() for text in ElementTree.fromstring(svg).itertext() if text.strip()]


def words_of(made: PaperContent, section: str) -> list[list[str]]:
    """Of each row of a section."""
    [found] = [one for one in made.sections if one.title == section]
    return [words(row.pictures[0].svg) for row in found.rows]


def test_page_shows_boxes_segments_attention_and_categories(
    report_of: Callable[..., Report],
) -> None:
    made = content()
    assert [section.title for section in made.sections] == [
        "Boxes",
        "Segments",
        "Where queries look",
        "Precision and recall",
        "Each category",
    ]
    page = render_html(report_of(content=made))
    assert "<script" not in page
    links = re.findall(r'(?:href|src)="([^"]*)', page)
    assert links and all(link.startswith(("data:", "#")) for link in links)
    for name in ("boxes", "segments", "attention"):
        assert Image.open(io.BytesIO(made.files[f"{name}.png"])).format == "PNG"


def test_boxes_are_named_and_scored_and_unsure_ones_and_stuff_left_out() -> None:
    first, second = words_of(content(), "Boxes")
    assert first[:2] == ["dog", "person (crowd)"]
    assert {"person 91%", "dog 62%"} <= set(first)
    assert not [word for word in first if word.startswith(("car", "sky"))]
    assert {"true: 2 boxes", "found: 2"} <= set(first)
    assert "found: 0" in second
    assert "Nothing was found" not in content().sections[0].text


def test_a_detector_without_masks_shows_no_segments() -> None:
    made = content_of(predictions(NOTHING, panoptic=False), Measured(), CONFIG)
    assert [section.title for section in made.sections] == ["Boxes", "Where queries look"]
    assert made.sections[0].text.endswith("Nothing was found.")
    assert set(made.files) == {"boxes.png", "attention.png"}


def test_segments_are_named_in_them_and_below() -> None:
    row = words_of(content(), "Segments")[0]
    assert {"image", "true: 2 segments", "found: 3 segments"} <= set(row)
    assert "person (crowd)" in row
    # In the true ones, in those found, and in the key.
    assert row.count("sky-other") == 3
    # Things come first in the key.
    assert row[-4:] == ["person", "dog", "sky-other", "grass"]


def test_a_network_with_masks_shows_them_where_the_data_have_no_segments() -> None:
    image = shown_image(1, FOUND)
    bare = ShownImage(1, image.pixels, image.true, image.found, image.attention,
                      None, image.found_segments)  # fmt: skip
    made = content_of(Predictions((bare,), OFFICIAL), Measured(), CONFIG)
    [row] = words_of(made, "Segments")
    assert "found: 3 segments" in row and not [word for word in row if word.startswith("true")]


def test_segments_have_their_colours_and_white_borders() -> None:
    gray = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    categories = Categories()
    painted = paint_segments(gray, segments(PERSON, SKY, PERSON), categories)
    assert painted.shape == (480, 640, 3)
    for place, category in ((80, PERSON), (240, SKY), (400, PERSON)):
        colour = 0.6 * np.array(categories.colour(category)) + 40
        np.testing.assert_allclose(painted[200, place], colour, atol=1)
    np.testing.assert_array_equal(painted[200, 560], [35, 35, 35])
    white = np.flatnonzero((painted[200] == 255).all(-1))
    assert white.tolist() == [159, 319, 479]


def test_no_segments_leave_the_image_dark() -> None:
    gray = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    assert (paint_segments(gray, segments(), Categories()) == 35).all()


def test_the_widest_place_is_far_from_every_edge() -> None:
    mask = np.zeros((40, 60), bool)
    mask[:, :4] = mask[5:36, 20:51] = True
    x, y = widest_place(mask)
    assert abs(x - 35.5) <= 1 and abs(y - 20.5) <= 1
    # The image's edge is one too.
    assert widest_place(np.ones((41, 41), bool)) == (20.5, 20.5)


def test_the_surest_come_first() -> None:
    assert surest(FOUND, 0.5).labels.tolist() == [SKY, PERSON, DOG]
    assert surest(NOTHING, 0.5).boxes_xyxy.shape == (0, 4)


def test_queries_that_are_sure_of_things_are_shown_first() -> None:
    assert shown_queries(FOUND, Categories()).tolist() == [2, 0, 1, 3]
    many = objects(*((DOG, 0.9 + number / 1000) for number in range(9)))
    assert shown_queries(many, Categories()).tolist() == [8, 7, 6, 5, 4]


def test_images_with_the_most_sure_queries_are_shown_first() -> None:
    made = content_of(predictions(NOTHING, FOUND), Measured(), CONFIG)
    [section] = [one for one in made.sections if one.title == "Where queries look"]
    assert [row.label for row in section.rows] == ["Image 285", "Image 139"]
    assert words_of(made, section.title)[0][:2] == ["person 91%", "sky-other 99%"]
    assert "70% sure, and of each" in section.text
    unsure = content_of(predictions(NOTHING), Measured(), CONFIG).sections[-1]
    assert "No query was 70% sure" in unsure.text


def test_attention_is_brightest_where_the_query_looks() -> None:
    attention = np.zeros((3, 4), np.float32)
    attention[1, 3] = 0.02
    levels = look_map(np.full((HEIGHT, WIDTH, 3), 100, np.uint8), attention).astype(int)
    assert levels[30, 70].sum() > 500
    # What nobody looks at is gray, and still to be seen.
    np.testing.assert_array_equal(levels[30, 10], [55, 55, 55])
    assert (look_map(np.zeros((6, 6, 3), np.uint8), np.zeros((2, 2), np.float32)) == 0).all()


def test_a_query_that_looks_everywhere_is_bright_nowhere() -> None:
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    peaked = np.eye(6, dtype=np.float32)
    flat, sharp = (look_map(black, one).max() for one in (np.full((6, 6), 0.03, "f"), peaked))
    assert int(flat) < 0.85 * int(sharp) and sharp > 200


def test_categories_are_told_the_best_first_and_stuff_last() -> None:
    table = category_table(measured(), Categories())
    assert table.columns == (
        *("Category", "Targets", "Box AP", "Box AP50", "Mask AP", "Mask AP50"),
        *("PQ", "SQ", "RQ"),
    )
    assert table.rows == (
        ("dog", "2", "75.0", "100.0", "–", "–", "–", "–", "–"),
        ("person", "1,234", "25.0", "50.0", "–", "50.0", "40.0", "80.0", "50.0"),
        ("sky-other", "3", "90.0", "95.0", "–", "–", "–", "–", "–"),
        # Of segments, the targets are those that were found and those that were not.
        ("grass", "7", "–", "–", "–", "–", "40.0", "80.0", "50.0"),
    )
    boxes = Measured({"ap": measured().by_metric["ap"]})
    assert category_table(boxes, Categories()).columns == ("Category", "Targets", "AP", "AP50")


def test_every_value_is_kept_beside_the_report() -> None:
    rows = list(csv.DictReader(io.StringIO(content().files["categories.csv"].decode())))
    assert [row["category_id"] for row in rows] == ["1", "18", "187", "193"]
    person = rows[0]
    assert (person["category"], person["is_thing"], person["ap"]) == ("person", "1", "0.25")
    assert (person["mask_ap"], person["mask_ap_50"], person["matches"]) == ("", "0.5", "3")


def test_what_was_measured_is_read_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(evaluation_dir: str, metric: str) -> CategoryValues:
        assert evaluation_dir == "/evaluation"
        return CategoryValues({}, {metric: []})

    monkeypatch.setattr(detr_categories, "read_category_values", read)
    assert load_measured("/evaluation", {}).by_metric == {}
    config = {"evaluation": {"metrics": ["pq", "ap_50", "mask_ap", "ap_small"]}}
    known = load_measured("/evaluation", config).by_metric
    assert {name: list(values.curves) for name, values in known.items()} == {
        "mask_ap": ["mask_ap"],
        "pq": ["pq"],
    }


def test_names_of_coco_are_told_apart() -> None:
    from components.example_gens.coco_categories import CATEGORIES

    official, custom = Categories(), Categories.of_config({"data": {"categories": "custom"}})
    names = [official.name(number) for number in CATEGORIES]
    assert len(set(names)) == len(CATEGORIES)
    assert not [name for name in names if "merged" in name]
    assert custom.name(DOG) == "category 18" and custom.is_thing(SKY)
    assert official.name(250) == "category 250"


def test_precision_is_drawn_with_its_mean() -> None:
    picture = precision_picture("Boxes", measured().by_metric["ap"])
    assert picture is not None
    texts = words(picture.svg)
    assert {"overlap 0.5: 50.0%", "overlap 0.75: 37.5%", "mean over 10 overlaps: 38.8%"} <= set(
        texts
    )


def test_without_things_to_find_there_is_no_precision() -> None:
    nothing = CategoryValues({}, {"precision_50": [math.nan] * 101})
    assert precision_picture("Boxes", nothing) is None
    made = content_of(predictions(FOUND), Measured({"ap": nothing}), CONFIG)
    [section] = [one for one in made.sections if one.title == "Precision and recall"]
    assert section.rows == () and "no things" in section.text


def test_protocol_tells_what_the_numbers_depend_on() -> None:
    assert protocol(OFFICIAL, CONFIG) == (
        "COCO panoptic val2017, 3 test images; shorter side 800 and longer at most 1,333 pixels; "
        "100 queries; mask head alone trained; ResNet-50, 6 encoder and 6 decoder layers of 256 "
        "features; 1,200 steps of batch 16, AdamW 0.0001, seed 7, float32"
    )
    small = {
        "data": {"subset": True},
        "network": {"dc5": True, "backbone_blocks": [1, 1, 1, 1], "backbone_channels": 32},
    }
    assert protocol(OFFICIAL, small) == (
        "a subset of COCO, 3 test images; shorter side 800 and longer at most 1,333 pixels; 100 "
        "queries; DC5-ResNet of 1-1-1-1 blocks, 32 channels, 6 encoder and 6 decoder layers of 256 "
        "features"
    )


def test_other_pictures_do_not_pass_for_coco() -> None:
    config = {"data": {"dataset": "coco_panoptic", "subset": True}}
    assert data_in_words(GENERATED, config) == "generated scenes in COCO panoptic's layout"
    assert data_in_words((*GENERATED, 139), config) == "a subset of COCO panoptic"
    custom = {"data": {"categories": "custom", "classes": 5, "subset": True}}
    assert data_in_words(OFFICIAL, custom) == "other categories in COCO's layout"
    assert content().subject == "Objects and stuff found as a set in COCO panoptic val2017"


@pytest.mark.parametrize(
    ("task", "metric", "values"),
    [
        ("detection", "ap", ["0.42", "0.395", "0.433", "0.435", "0.449"]),
        ("panoptic", "pq", ["0.434", "0.446", "0.451"]),
    ],
)
def test_the_authors_results_stand_beside_ours(
    report_of: Callable[..., Report], task: str, metric: str, values: list[str]
) -> None:
    verdict = Verdict(True, ["enough"], {metric: 0.3, "ap_small": 0.1, "rq_stuff": 0.2}, None)
    report = report_of(paper="detr", content=content(), verdict=verdict)
    rows = [
        row for row in Report(**{**vars(report), "task": task}).benchmark if row.metric == metric
    ]
    ours, *theirs = rows
    assert ours.ours and ours.protocol == protocol(OFFICIAL, CONFIG)
    assert [row.shown for row in theirs] == values
    assert all("shorter side 800" in row.protocol and row.verified for row in theirs)
    assert "DETR-R50: COCO val2017" in theirs[0].protocol


def test_a_few_metrics_are_shown_large_and_the_protocol_once(
    report_of: Callable[..., Report],
) -> None:
    metrics = {"ap": 0.3, "ap_small": 0.1, "ap_50": 0.5, "mask_ap": 0.25, "pq": 0.4}
    verdict = Verdict(True, ["enough"], metrics, None)
    page = render_html(report_of(content=content(), verdict=verdict))
    tiles = re.findall(r"<dt>([^<]*)</dt>", page)
    assert tiles[:4] == ["PQ", "AP", "AP 50", "Mask AP"]
    assert page.count(protocol(OFFICIAL, CONFIG)) == 1
    assert page.count("<td>the same</td>") == 4
