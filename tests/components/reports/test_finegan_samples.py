"""The pictures that a report asks an exported generator for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.errors import DataError
from components.reports.content import PaperInputs
from components.reports.finegan_samples import Samples, load_samples
from components.trainers.finegan.draws import Purpose, draw_noise, one_hot_codes, stream_seed
from components.trainers.finegan.export import export_finegan
from components.trainers.finegan.generator import Generator, Stages, build_generator
from components.trainers.finegan.network_config import NetworkConfig

CHILDREN, PARENTS = 30, 10
SEED = 7
FIELDS = {
    "image_size": 32,
    "generator_width": 4,
    "noise_size": 6,
    "parents": PARENTS,
    "children": CHILDREN,
    "residual_blocks": 0,
}
CONFIG: dict[str, Any] = {"network": FIELDS, "training": {"seed": SEED}}
NETWORK = NetworkConfig(**FIELDS)
# Eight of thirty and of ten, and three of thirty, evenly spread.
EIGHT_CHILDREN = [0, 3, 7, 11, 15, 18, 22, 26]
EIGHT_PARENTS = [0, 1, 2, 3, 5, 6, 7, 8]
ROWS = [0, 10, 20]


@pytest.fixture(scope="module")
def generator() -> Generator:
    return build_generator(NETWORK, 5)


@pytest.fixture(scope="module")
def saved_model(generator: Generator, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("model") / "served")
    export_finegan(folder, generator)
    return folder


@pytest.fixture(scope="module")
def samples(saved_model: str) -> Samples:
    return load_samples(PaperInputs(CONFIG, (), "", saved_model))


def made(generator: Generator, z: Any, background: Any, parent: Any, child: Any) -> Stages:
    codes = one_hot_codes(*(np.asarray(one) for one in (background, parent, child)), NETWORK)
    noise = draw_noise(stream_seed(SEED, Purpose.SUMMARY_NOISE, 0), 8, NETWORK).numpy()
    return generator(noise[np.asarray(z)], codes, training=False)


def assert_shown(pixels: np.ndarray, images: Any) -> None:
    """8-bit levels are a generator's pictures in [-1, 1], or masks in [0, 1]."""
    values = np.array(images)
    unit = values.repeat(3, axis=-1) if values.shape[-1] == 1 else values * 0.5 + 0.5
    assert pixels.shape == unit.shape
    assert np.abs(pixels - np.clip(unit, 0, 1) * 255).max() <= 1.0


def test_stages_are_those_of_children_with_their_own_codes(
    samples: Samples, generator: Generator
) -> None:
    sheet = samples.stages
    parents = [child // 3 for child in EIGHT_CHILDREN]
    expected = made(generator, range(8), EIGHT_CHILDREN, parents, EIGHT_CHILDREN)
    assert sheet.row_labels == ("background", "parent mask", "parent", "child mask", "child")
    assert sheet.column_labels == tuple(f"child {child}" for child in EIGHT_CHILDREN)
    for row, images in zip(
        sheet.pixels,
        (
            *(expected.background, expected.parent_mask, expected.parent),
            *(expected.child_mask, expected.child),
        ),
        strict=True,
    ):
        assert_shown(row, images)


@pytest.mark.parametrize(
    ("name", "varied", "columns"),
    [
        ("noise", "z", list(range(8))),
        ("parents", "parent", EIGHT_PARENTS),
        ("children", "child", EIGHT_CHILDREN),
        ("backgrounds", "background", EIGHT_CHILDREN),
    ],
)
def test_along_a_row_one_thing_alone_differs(
    samples: Samples, generator: Generator, name: str, varied: str, columns: list[int]
) -> None:
    sheet = getattr(samples, name)
    assert sheet.pixels.shape == (3, 8, 32, 32, 3)
    assert sheet.column_labels == tuple(f"{varied} {number}" for number in columns)
    for row, child in enumerate(ROWS):
        own = {"z": row, "background": child, "parent": child // 3, "child": child}
        fixed = {key: value for key, value in own.items() if key != varied}
        assert sheet.row_labels[row] == "\n".join(f"{key} {n}" for key, n in fixed.items())
        codes = {key: [value] * 8 for key, value in own.items()} | {varied: columns}
        assert_shown(sheet.pixels[row], made(generator, **codes).child)
        first = sheet.pixels[row, 0]
        assert all(not np.array_equal(first, other) for other in sheet.pixels[row, 1:])


def test_samples_are_what_the_model_serves_for_a_child(samples: Samples, saved_model: str) -> None:
    serve = tf.saved_model.load(saved_model)
    assert samples.class_codes == tuple(n * 30 // 20 for n in range(20))
    assert samples.classes.pixels.shape == (20, 5, 32, 32, 3)
    assert samples.classes.column_labels[4] == "seed 4"
    assert samples.classes.row_labels[3] == "parent 1\nchild 4"
    [picture] = serve.signatures["generate_class"](
        child=tf.constant([4], tf.int64), seed=tf.constant([2], tf.int64)
    )["encoded"].numpy()
    found = samples.classes.pixels[3, 2].astype(int)
    assert np.abs(tf.io.decode_png(picture).numpy() - found).max() <= 1


def test_the_same_run_shows_the_same_pictures_and_another_seed_others(
    samples: Samples, saved_model: str
) -> None:
    again = load_samples(PaperInputs(CONFIG, (), "", saved_model))
    other = load_samples(PaperInputs({**CONFIG, "training": {"seed": 8}}, (), "", saved_model))
    np.testing.assert_array_equal(samples.stages.pixels, again.stages.pixels)
    assert not np.array_equal(samples.stages.pixels, other.stages.pixels)


def test_few_codes_are_all_shown(tmp_path: Path) -> None:
    few = {**FIELDS, "parents": 1, "children": 2, "backgrounds": 1}
    export_finegan(str(tmp_path / "served"), build_generator(NetworkConfig(**few), 1))
    shown = load_samples(PaperInputs({"network": few}, (), "", str(tmp_path / "served")))
    assert shown.stages.pixels.shape[:2] == (5, 2)
    assert shown.noise.pixels.shape[:2] == (2, 8)
    assert shown.parents.column_labels == ("parent 0",)
    assert shown.backgrounds.column_labels == ("background 0",)
    assert shown.children.column_labels == ("child 0", "child 1")
    assert shown.children.row_labels[1] == "z 1\nbackground 0\nparent 0"
    assert shown.classes.pixels.shape[:2] == (2, 5)


def test_model_without_the_signatures_is_named(tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path / "model"))
    with pytest.raises(DataError, match="generate_class"):
        load_samples(PaperInputs(CONFIG, (), "", str(tmp_path / "model")))
