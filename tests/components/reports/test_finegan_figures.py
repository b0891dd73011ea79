"""What a report shows of a FineGAN, from made-up pictures."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.evaluators.generated_images_config import FEATURE_NETWORKS
from components.example_gens.generated_cub import GeneratedCub
from components.reports.content import PaperContent
from components.reports.finegan_charts import charts
from components.reports.finegan_figures import content_of
from components.reports.finegan_neighbours import RealPictures
from components.reports.finegan_protocol import protocol
from components.reports.finegan_samples import STAGES, Samples
from components.reports.nearest_pictures import Neighbours
from components.reports.picture_sheets import Sheet
from components.reports.render import render_html
from components.reports.report import Report
from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.finegan.task import FineGanTask
from components.trainers.training_config import TrainingConfig
from components.transforms.finegan import OBJECT_VIEW, SCENE_BOX, SCENE_VIEW

SIDE, CHILDREN, SEEDS = 16, 12, 5
PATHS = ("001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg", "002.Laysan/b.jpg")
COPIED = 1.5
CONFIG: dict[str, Any] = {
    "experiment": {"batch_size": 16},
    "data": {"dataset": "cub", "subset": True, "super_classes": 4, "fine_classes": 20},
    "network": {
        "image_size": 32,
        "generator_width": 32,
        "discriminator_width": 16,
        "parents": 4,
        "children": 20,
    },
    "training": {
        **{"steps": 1200, "epochs": None, "learning_rate": 2e-4},
        **{"precision": "float32", "seed": 7},
    },
    "generated_images": {"feature_network": "random_convolutions", "images_per_child": 50},
}


def sheet(rows: int, columns: int, seed: int) -> Sheet:
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, columns, SIDE, SIDE, 3), np.uint8)
    return Sheet(pixels, tuple(f"row {row}" for row in range(rows)))


@cache
def make_samples() -> Samples:
    return Samples(
        stages=sheet(len(STAGES), 8, 0),
        noise=sheet(3, 8, 1),
        parents=sheet(3, 4, 2),
        children=sheet(3, 8, 3),
        backgrounds=sheet(3, 8, 4),
        classes=sheet(CHILDREN, SEEDS, 5),
        class_codes=tuple(range(100, 100 + CHILDREN)),
    )


def make_neighbours(typical: float = 2.0, nearest: int = 2) -> Neighbours:
    random = np.random.default_rng(6)
    count = CHILDREN * SEEDS
    distances = np.sort(random.uniform(1, 9, (count, nearest)), axis=1)
    records = np.tile(np.arange(nearest), (count, 1))
    pixels = random.integers(0, 256, (count, nearest, SIDE, SIDE, 3), np.uint8)
    return Neighbours(records, distances, pixels, typical, 5794)


def make_real(names: tuple[str, ...] = PATHS, **neighbours: Any) -> RealPictures:
    return RealPictures(make_neighbours(**neighbours), COPIED, names)


@cache
def content() -> PaperContent:
    return content_of(make_samples(), make_real(), CONFIG)


def neighbour_text(real: RealPictures, config: dict[str, Any] = CONFIG) -> str:
    return content_of(make_samples(), real, config).sections[3].text


def with_section(name: str, **changes: Any) -> dict[str, Any]:
    return {**CONFIG, name: {**CONFIG[name], **changes}}


def test_page_shows_stages_single_codes_samples_and_real_pictures(
    report_of: Callable[..., Report],
) -> None:
    made = content()
    assert [section.title for section in made.sections] == [
        "Stages",
        "One thing varied at a time",
        "Samples by child",
        "Nearest real pictures",
    ]
    varied = made.sections[1].rows
    assert [row.label for row in varied] == [
        "Noise: position and pose",
        "Parent: shape",
        "Child: appearance",
        "Background",
    ]
    for row in varied:
        [picture] = row.pictures
        assert "should change" in picture.caption
        assert "should not" in picture.caption
    page = render_html(report_of(content=made))
    assert "<script" not in page
    assert all(
        link.startswith(("data:", "#")) for link in re.findall(r'(?:href|src)="([^"]*)', page)
    )
    # A picture a row of a sheet, not one a sample.
    assert page.count("<image ") == 5 + 4 * 3 + CHILDREN + 8


def test_sheets_are_kept_beside_the_report() -> None:
    files = content().files
    names = ("stages", "noise", "parents", "children", "backgrounds", "samples", "nearest")
    assert set(files) == {*(f"{name}.png" for name in names), "nearest.csv"}
    for name in names:
        assert Image.open(io.BytesIO(files[f"{name}.png"])).format == "PNG"


def test_the_sample_nearest_to_a_real_picture_is_shown_of_each_child() -> None:
    nearest = make_neighbours().distances[:, 0].reshape(CHILDREN, SEEDS)
    pictures = content().sections[3].rows[0].pictures
    words = re.findall(r"<text[^>]*>([^<]*)</text>", "".join(one.svg for one in pictures))
    children = [number * CHILDREN // 8 for number in range(8)]
    assert [word for word in words if word.startswith("child")] == [
        f"child {100 + child}" for child in children
    ]
    for child in children:
        assert f"seed {nearest[child].argmin()}" in words
        assert f"{nearest[child].min() / 2.0:.2f}" in words
    assert {"sample", "nearest", "2nd"} <= set(words) and "3rd" not in words


def test_distances_are_told_by_the_typical_one() -> None:
    first = make_neighbours().distances[:, 0] / 2.0
    text = content().sections[3].text
    assert f"at {np.median(first):.2f} in the median, and at {first.min():.2f} at least" in text
    assert f"and {COPIED / 2.0:.2f} as far as it is from itself" in text
    assert "among the 5,794 of the test split (training saw these too)" in text
    assert "random_convolutions" in text
    bare = neighbour_text(make_real(typical=float("nan")))
    assert bare.endswith("The numbers are distances between features.")


@pytest.mark.parametrize(
    ("dataset", "choice", "words"),
    [
        ("cub", None, "training saw these too"),
        ("cub", "train", "training saw others"),
        ("stanford_dogs", None, "training saw others"),
    ],
)
def test_it_is_told_whether_training_saw_the_real_pictures(
    dataset: str, choice: str | None, words: str
) -> None:
    config = with_section("data", dataset=dataset, training_images=choice)
    assert words in neighbour_text(make_real(), config)


def test_every_neighbour_is_named_in_a_table() -> None:
    rows = list(csv.DictReader(io.StringIO(content().files["nearest.csv"].decode())))
    assert len(rows) == CHILDREN * SEEDS * 2
    distances = make_neighbours().distances
    row = rows[2 * (3 * SEEDS + 4) + 1]
    assert (row["child"], row["seed"], row["place"], row["image"]) == ("103", "4", "2", PATHS[1])
    assert float(row["distance"]) == pytest.approx(distances[3 * SEEDS + 4, 1], rel=1e-5)
    assert (float(row["typical_distance"]), float(row["copy_distance"])) == (2.0, COPIED)


def test_protocol_tells_what_the_numbers_depend_on() -> None:
    assert protocol(make_real(), CONFIG) == (
        "a subset of CUB-200-2011 at 32 x 32, widths 32 (generator) and 16, 1,200 steps of batch "
        "16, Adam 0.0002, seed 7, float32; 1,000 generated images (20 children x 50, codes tied: "
        "4 parents); 5,794 real images: those of the official test split, cropped about their "
        "objects; features by " + FEATURE_NETWORKS["random_convolutions"]
    )
    whole = with_section("data", subset=False) | {"training": {"steps": None, "epochs": 601.0}}
    assert protocol(make_real(), whole).startswith("CUB-200-2011 at 32 x 32, widths 32")
    assert ", 601 epochs of batch 16, float32; 1,000 generated" in protocol(make_real(), whole)


def test_numbers_get_the_name_of_inception_only_by_its_weights() -> None:
    for network in ("random_convolutions", "pixels"):
        words = protocol(make_real(), with_section("generated_images", feature_network=network))
        assert not re.search(r"FID|KID|inception", words, re.IGNORECASE)
    given = {"feature_network": "inception_v3", "network_path": "w.h5", "network_sha256": "a" * 64}
    words = protocol(make_real(), with_section("generated_images", **given))
    assert "InceptionV3" in words and words.endswith("a" * 64)


def test_generated_birds_do_not_pass_for_cub() -> None:
    folder = GeneratedCub(
        classes=20, images=40, super_classes=4, seed=0, longest_side=256
    ).folder_of(7)
    names = (f"{folder}/{folder.partition('.')[2]}_0001.jpg",)
    words = "generated birds in CUB's layout"
    assert protocol(make_real(names), CONFIG).startswith(f"{words} at 32 x 32")
    made = content_of(make_samples(), make_real(names, nearest=1), CONFIG)
    assert made.subject.endswith(f"told apart on {words}")
    assert content().subject.endswith("on a subset of CUB-200-2011")


def test_information_is_held_against_knowing_nothing() -> None:
    information, accuracy = (
        next(one for one in charts(CONFIG) if name in one.curves)
        for name in ("child_information", "child_code_accuracy")
    )
    assert [line.value for line in information.lines] == pytest.approx([1.386294, 2.995732])
    assert [line.value for line in accuracy.lines] == [0.25, 0.05]


def test_every_curve_of_the_training_has_a_chart() -> None:
    network = NetworkConfig(
        *(32, 4, 4), noise_size=4, parents=2, children=4, residual_blocks=0
    )  # fmt: skip
    task = FineGanTask(
        FineGanExperiment(batch_size=2, hard_negative_steps=0),
        network,
        TrainingConfig(steps=2),
        train_batches=lambda _: tf.data.Dataset.from_tensors(
            {
                OBJECT_VIEW: tf.zeros([2, 32, 32, 3]),
                SCENE_VIEW: tf.zeros([2, 30, 30, 3]),
                SCENE_BOX: tf.zeros([2, 4]),
            }
        ).repeat(),
    )
    step = tf.function(task.train_step, autograph=False)
    traced = step.get_concrete_function(next(iter(task.dataset(0))))
    curves = [*traced.structured_outputs, *task.summarize(0).scalars]
    drawn = [name for chart in charts(CONFIG) for name in chart.curves]
    assert sorted(drawn) == sorted(curves)
