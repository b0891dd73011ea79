"""Generated birds: CUB's layout, true boxes and masks, classes that differ, the same bytes."""

import numpy as np
import pytest
from file_digests import digests
from PIL import Image

from components.errors import ConfigError
from components.example_gens import boxed_image_features as keys
from components.example_gens.cub_source import CubSource
from components.example_gens.generated_cub import GeneratedCub, draw_scene, write_generated_cub
from components.example_gens.generated_cub_classes import plumage_of, shape_of, super_class_of

SMALL = {"images": 17, "classes": 6, "super_classes": 2, "longest_side": 96}


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    return write_generated_cub(tmp_path_factory.mktemp("cub") / "set", **SMALL)


def source(root) -> CubSource:
    settings = {"subset": True, "fine_classes": 6, "super_classes": 2}
    return CubSource.from_settings(str(root), settings)


def test_set_is_read_as_cub(generated):
    one = source(generated)
    train, evaluation = one.references("train"), one.references("eval")
    assert len(train) == 17
    assert {image.label for image in evaluation} == set(range(6))
    assert {image.label for image in train if image.in_train} == set(range(6))
    assert abs(2 * len(evaluation) - len(train)) <= 6
    for image in train:
        record = one.read(image)
        assert record.conversions == ()
        assert max(record.features[keys.IMAGE_HEIGHT], record.features[keys.IMAGE_WIDTH]) == 96


def test_boxes_bound_the_masks_and_the_birds_stand_out(generated):
    one = source(generated)
    for image in one.references("train"):
        features = one.read(image).features
        mask_path = image.path.replace("images/", "segmentations/").replace(".jpg", ".png")
        mask = np.asarray(Image.open(generated / mask_path))
        picture = np.asarray(Image.open(generated / image.path)).astype(float)
        assert mask.shape == picture.shape[:2]
        rows, columns = np.nonzero(mask >= 128)
        left, top, width, height = features[keys.BOX_XYWH]
        assert (left, top) == (columns.min(), rows.min())
        assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)
        # Edges are soft, and the bird takes a fair part of its box.
        assert ((mask > 0) & (mask < 255)).any()
        assert 0.15 < (mask >= 128).sum() / (width * height) < 0.9
        inside, outside = picture[mask == 255], picture[mask == 0]
        assert np.ptp(inside, axis=1).mean() > 1.3 * np.ptp(outside, axis=1).mean()


def test_same_numbers_give_the_same_bytes_and_another_seed_others(generated, tmp_path):
    again = write_generated_cub(tmp_path / "again", **SMALL)
    assert digests(again) == digests(generated)
    other = digests(write_generated_cub(tmp_path / "other", seed=1, **SMALL))
    same = {name for name, digest in digests(generated).items() if other.get(name) == digest}
    assert not [name for name in same if name.startswith(("images/", "segmentations/"))]


def test_set_that_is_there_is_left_and_anything_else_refused(generated, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in generated.rglob("*")}
    write_generated_cub(generated, **SMALL)
    assert {path: path.stat().st_mtime_ns for path in generated.rglob("*")} == before
    with pytest.raises(ConfigError, match="holds something else"):
        write_generated_cub(generated, **{**SMALL, "images": 18})
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigError, match="holds something else") as caught:
        write_generated_cub(tmp_path, **SMALL)
    assert "notes.txt" in caught.value.found


def test_interrupted_attempt_is_finished(generated, tmp_path):
    (tmp_path / "images" / "001.Shape01_Look01").mkdir(parents=True)
    assert digests(write_generated_cub(tmp_path, **SMALL)) == digests(generated)


@pytest.mark.parametrize(
    "wrong",
    [{"images": 11}, {"classes": 0}, {"super_classes": 7}, {"seed": -1}, {"longest_side": 8}],
)
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        write_generated_cub(tmp_path, **{**SMALL, **wrong})


def test_neighbouring_classes_share_a_shape():
    assert [super_class_of(label, 6, 2) for label in range(6)] == [0, 0, 0, 1, 1, 1]
    # As the authors' codes do: floor(child / (200 / 20)).
    assert [super_class_of(c, 200, 20) for c in range(200)] == [c // 10 for c in range(200)]


def test_classes_look_different():
    shapes = [np.array(list(vars(shape_of(number)).values())) for number in range(20)]
    plumages = [plumage_of(number) for number in range(200)]
    assert len(set(plumages)) == 200
    for first in range(20):
        for second in range(first):
            assert np.abs(shapes[first] - shapes[second]).max() > 0.08


def test_colours_tell_fine_classes_apart_and_scenes_do_not():
    """The nearest mean colour finds the class from the bird, and not from the background."""
    settings = GeneratedCub(images=60, classes=6, super_classes=2, seed=3, longest_side=64)
    colours = {"bird": [], "scene": []}
    labels = np.arange(60) % 6
    for number, label in enumerate(labels):
        picture, mask = draw_scene(settings, int(label), number)
        colours["bird"].append(picture[mask == 255].mean(axis=0))
        colours["scene"].append(picture[mask == 0].mean(axis=0))
    hits = {}
    for name, found in colours.items():
        found = np.array(found)
        means = np.array([found[:30][labels[:30] == label].mean(axis=0) for label in range(6)])
        nearest = ((found[30:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        hits[name] = (nearest == labels[30:]).mean()
    assert hits["bird"] > 0.85
    # Chance is 1/6; three standard deviations are 0.2.
    assert hits["scene"] < 0.37
