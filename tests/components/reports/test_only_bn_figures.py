"""What a report shows of a classifier, from made-up answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from components.evaluators.classification import bootstrap_interval
from components.reports.only_bn_classes import confused_pairs, short_name
from components.reports.only_bn_figures import content_of, protocol, thumbnail
from components.reports.only_bn_gammas import gamma_picture, gamma_rows
from components.reports.only_bn_predictions import Mistake, Predictions
from components.reports.render import render_html
from components.reports.report import Report

EVIL = '<script>alert("1")</script>$\\frac{1}{0}$'
CONFIG: dict[str, Any] = {
    "experiment": {"batch_size": 64},
    "data": {"dataset": "cifar10", "subset": True},
    "network": {"depth": 14, "train": "bn", "gamma": "uniform", "width": None},
    "training": {"steps": None, "epochs": 30.0, "learning_rate": 0.1, "seed": 7},
}


def encoded(height: int, width: int, mode: str = "RGB") -> bytes:
    """A PNG, red but for its left and right ends."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = 255
    margin = (width - height) // 2
    if margin > 0:
        pixels[:, :margin] = pixels[:, -margin:] = 0
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def predictions_of(
    confusion: Any, names: tuple[str, ...] | None = None, **changes: Any
) -> Predictions:
    """Answers with a given confusion matrix."""
    confusion = np.array(confusion, np.int64)
    values: dict[str, Any] = {
        "class_names": names or tuple(f"class {label}" for label in range(len(confusion))),
        "confusion": confusion,
        "mistakes": (Mistake(encoded(32, 32), "a", 0, 1, 0.987),),
        "gammas": (np.float32([0.5, 0.001]), np.float32([-0.2, 0.0, 0.9, 0.4])),
    }
    return Predictions(**{**values, **changes})


def svg_texts(svg: str) -> list[str]:
    return [text.strip() for text in ElementTree.fromstring(svg).itertext() if text.strip()]


def test_matrix_tells_every_count() -> None:
    predictions = predictions_of([[711, 23], [0, 59]], ("cat", "dog"))
    confusion = content_of(predictions, CONFIG).sections[0]
    [[picture]] = [row.pictures for row in confusion.rows]
    texts = svg_texts(picture.svg)
    assert {"711", "23", "59", "cat", "dog"} <= set(texts)
    assert "0" not in texts
    # Right answers have one colour, mistakes another.
    assert picture.svg.count("var(--series-1)") == 2
    assert picture.svg.count("var(--series-2)") == 1


def test_classes_are_told_one_by_one() -> None:
    predictions = predictions_of([[30, 6, 4], [0, 7, 0], [1, 1, 2]], ("cat", "dog", "frog"))
    table = content_of(predictions, CONFIG).sections[1].table
    assert table is not None
    low, high = bootstrap_interval(30, 40)
    assert table.rows[0] == ("cat", "40", "75.0%", f"{low:.1%} to {high:.1%}", "dog (6)")
    assert table.rows[1] == ("dog", "7", "100.0%", "100.0% to 100.0%", "")
    assert [row[0] for row in table.rows] == ["cat", "dog", "frog"]


def test_many_classes_are_told_by_their_extremes() -> None:
    confusion = np.diag(np.arange(1, 101))
    confusion[40, 17] = 59
    confusion[90, 3] = 12
    confusion_section, accuracies = content_of(predictions_of(confusion), CONFIG).sections[:2]
    assert confusion_section.rows == ()
    assert confusion_section.table is not None
    assert confusion_section.table.rows == (
        ("class 40", "class 17", "59", "59%"),
        ("class 90", "class 3", "12", "12%"),
    )
    assert accuracies.table is not None
    assert [row[0] for row in accuracies.table.rows[:3]] == ["class 40", "class 90", "class 0"]
    assert len(accuracies.table.rows) == 20


def test_pairs_are_ordered_and_never_right_answers() -> None:
    confusion = np.array([[9, 2, 0], [5, 9, 2], [0, 1, 9]])
    assert [pair[:3] for pair in confused_pairs(confusion, 3)] == [(1, 0, 5), (0, 1, 2), (1, 2, 2)]
    assert confused_pairs(np.diag([1, 2]), 5) == []


def test_matrix_is_kept_beside_the_report() -> None:
    predictions = predictions_of([[5, 2], [0, 7]], ("a, b", "c"))
    text = content_of(predictions, CONFIG).files["confusion.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["label_name"], row["predicted_name"], row["records"]) for row in rows] == [
        ("a, b", "a, b", "5"),
        ("a, b", "c", "2"),
        ("c", "c", "7"),
    ]


def test_mistakes_stand_in_rows_of_six() -> None:
    mistakes = tuple(Mistake(encoded(32, 32), str(n), 0, 1, 0.987) for n in range(8))
    section = content_of(predictions_of([[1, 8], [0, 1]], mistakes=mistakes), CONFIG).sections[2]
    assert [len(row.pictures) for row in section.rows] == [6, 2]
    picture = section.rows[0].pictures[0]
    assert picture.caption == "class 1 98.7%, is class 0"
    assert picture.pixelated
    none = content_of(predictions_of([[1, 0], [0, 1]], mistakes=()), CONFIG).sections[2]
    assert none.rows == ()
    assert "none" in none.text


@pytest.mark.parametrize(
    ("size", "mode", "side"), [((32, 32), "RGB", 32), ((300, 500), "RGB", 160), ((9, 21), "P", 9)]
)
def test_thumbnail_is_the_central_square(size: tuple[int, int], mode: str, side: int) -> None:
    pixels = thumbnail(encoded(*size, mode=mode))
    assert pixels.shape == (side, side, 3)
    assert (pixels[..., 0] > 200).all()
    assert thumbnail(encoded(12, 12, mode="L")).shape == (12, 12, 3)


def test_share_of_disabled_features_is_told_by_layer() -> None:
    predictions = predictions_of([[1, 0], [0, 1]])
    rows = gamma_rows(predictions.gammas)
    assert [(row.label, row.disabled) for row in rows] == [
        ("all", pytest.approx(2 / 6)),
        ("1", 0.5),
        ("2", 0.25),
    ]
    section = content_of(predictions, CONFIG).sections[3]
    assert "6 gammas of 2 layers, of which 33.3% are below 0.01" in section.text
    assert {"33%", "50%", "25%", "all", "1", "2"} <= set(svg_texts(section.rows[0].pictures[0].svg))


def test_neighbours_of_deep_networks_share_a_row() -> None:
    gammas = [np.full(4, number, np.float32) for number in range(870)]
    rows = gamma_rows(gammas)
    assert len(rows) == 25
    assert rows[1].label == "1\u201337"
    assert rows[-1].label.endswith("\u2013870")
    assert sum(len(row.gammas) for row in rows[1:]) == 4 * 870


@pytest.mark.parametrize("value", [0.0, 1.0, -0.5, np.nan])
def test_gammas_that_are_all_alike_are_drawn(value: float) -> None:
    drawn = ElementTree.fromstring(gamma_picture([np.full(3, value, np.float32)] * 2).svg)
    assert drawn.tag.endswith("svg")


def test_frozen_gammas_are_not_called_trained() -> None:
    network = {**CONFIG["network"], "train": "random_subset"}
    content = content_of(predictions_of([[1, 0], [0, 1]]), {**CONFIG, "network": network})
    assert "did not train" in content.sections[3].text
    assert content.subject.startswith("Training randomly chosen weights")


def test_other_pictures_do_not_pass_for_cifar() -> None:
    digits = predictions_of([[3, 0], [1, 4]], ("zero", "one"))
    assert protocol(digits, CONFIG) == (
        "pictures in CIFAR-10's layout, 8 test pictures (zero, one), ResNet-14, "
        "trained: only BatchNorm, 30 epochs of batch 64, SGD 0.1, seed 7"
    )
    assert content_of(digits, CONFIG).subject.endswith("on pictures in CIFAR-10's layout")
    real = predictions_of([[3, 0], [1, 4]], ("airplane", "automobile"))
    assert protocol(real, CONFIG).startswith("a subset of CIFAR-10, 8 test")
    whole = {**CONFIG, "data": {"dataset": "cifar10", "subset": False}}
    assert protocol(real, whole).startswith("CIFAR-10, 8 test")


def test_names_are_cut_to_the_first() -> None:
    assert short_name("goldfish, Carassius auratus") == "goldfish"
    assert len(short_name("x" * 99)) == 28


def test_text_from_data_cannot_become_markup(report_of: Callable[..., Report]) -> None:
    few = content_of(predictions_of([[1, 2], [3, 4]], (EVIL, "b")), CONFIG)
    many = np.ones((30, 30), np.int64)
    names = tuple(f"{EVIL} {number}" for number in range(30))
    for content in (few, content_of(predictions_of(many, names), CONFIG)):
        page = render_html(report_of(content=content))
        assert "<script" not in page
        assert "&lt;script" in page


def test_records_without_numbers_are_told() -> None:
    predictions = predictions_of([[1, 0], [0, 1]], undefined=1234)
    assert "1,234 records got no numbers" in content_of(predictions, CONFIG).sections[0].text
    nothing = predictions_of([[0, 0], [0, 0]], undefined=9, mistakes=())
    sections = content_of(nothing, CONFIG).sections
    assert sections[1].table is not None
    assert sections[1].table.rows == ()
