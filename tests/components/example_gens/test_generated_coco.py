"""Generated scenes: COCO's layout, two files about the same pixels, the same bytes."""

import json

import numpy as np
import pytest
from file_digests import digests
from PIL import Image
from pycocotools import mask as coco_mask

from components.errors import ConfigError
from components.example_gens import coco_features as keys
from components.example_gens.coco_categories import CATEGORIES
from components.example_gens.coco_source import CocoSource
from components.example_gens.generated_coco import GeneratedCoco, draw, write_generated_coco
from components.example_gens.generated_coco_outlines import outline_polygons

SMALL = {"images": 24, "classes": 12, "longest_side": 96}


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    return write_generated_coco(tmp_path_factory.mktemp("coco") / "set", **SMALL)


def annotations(root, kind, split="train2017"):
    return json.loads((root / "annotations" / f"{kind}_{split}.json").read_text())


@pytest.mark.parametrize("dataset", ["coco_panoptic", "coco_instances"])
def test_set_is_read_as_coco_without_a_fault(generated, dataset):
    source = CocoSource.from_settings(str(generated), {"dataset": dataset, "subset": True})
    counts = {}
    for split in source.SPLITS:
        records = [source.read(reference) for reference in source.references(split)]
        counts[split] = len(records)
        for record in records:
            assert (record.conversions, record.rejected_objects) == ((), ())
            assert max(record.features[keys.IMAGE_HEIGHT], record.features[keys.IMAGE_WIDTH]) == 96
    assert counts == {"train": 18, "eval": 6}


def test_both_files_describe_the_same_pixels(generated):
    panoptic, instances = annotations(generated, "panoptic"), annotations(generated, "instances")
    assert panoptic["images"] == instances["images"]
    sizes = {one["id"]: (one["height"], one["width"]) for one in panoptic["images"]}
    things = {one["id"] for one in panoptic["categories"] if one["isthing"]}
    found, wanted = [], []
    for one in panoptic["annotations"]:
        folder = generated / "annotations" / "panoptic_train2017"
        colours = np.asarray(Image.open(folder / one["file_name"])).astype(int)
        ids = colours @ [1, 256, 65536]
        for segment in one["segments_info"]:
            if segment["category_id"] in things:
                mask = np.asfortranarray(ids == segment["id"]).astype(np.uint8)
                text = coco_mask.encode(np.asfortranarray(mask))["counts"]
                wanted.append((one["image_id"], segment["category_id"], segment["iscrowd"], text))
    for one in instances["annotations"]:
        form, size = one["segmentation"], sizes[one["image_id"]]
        if isinstance(form, list):
            mask = coco_mask.merge(coco_mask.frPyObjects(form, *size))
        else:
            mask = coco_mask.frPyObjects(form, *size) if one["iscrowd"] else form
            assert isinstance(form["counts"], list if one["iscrowd"] else str)
        plain = coco_mask.encode(np.asfortranarray(coco_mask.decode(mask)))
        assert list(coco_mask.toBbox(plain)) == one["bbox"]
        assert coco_mask.area(plain) == one["area"]
        found.append((one["image_id"], one["category_id"], one["iscrowd"], plain["counts"]))
    assert found == wanted
    assert len(found) > 20


def test_categories_are_cocos(generated):
    for kind, count in (("panoptic", 133), ("instances", 80)):
        listed = annotations(generated, kind)["categories"]
        assert len(listed) == count
        for one in listed:
            assert CATEGORIES[one["id"]].name == one["name"]


def test_scenes_hold_crowds_void_and_things_that_hide_each_other():
    settings = GeneratedCoco(images=60, classes=12, seed=0, longest_side=128)
    scenes = [draw(settings, number) for number in range(60)]
    regions = [region for _, found in scenes for region in found]
    assert any(region.is_crowd for region in regions)
    assert any(not any(region.is_thing for region in found) for _, found in scenes)
    covered = [
        sum(region.mask.sum() for region in found) / picture[..., 0].size
        for picture, found in scenes
    ]
    assert max(covered) == 1.0
    assert min(covered) < 0.9
    for _, found in scenes:
        assert np.sum([region.mask for region in found], axis=0).max() == 1
        stuff = [region.category for region in found if not region.is_thing]
        assert len(stuff) == len(set(stuff))
    assert {region.category for region in regions if region.is_thing} == set(settings.things)
    sizes = [region.mask.sum() for region in regions if region.is_thing]
    assert min(sizes) < 100
    assert max(sizes) > 1500


def test_same_numbers_give_the_same_bytes_and_another_seed_others(generated, tmp_path):
    again = write_generated_coco(tmp_path / "again", **SMALL)
    assert digests(again) == digests(generated)
    other = digests(write_generated_coco(tmp_path / "other", seed=1, **SMALL))
    same = {name for name, digest in digests(generated).items() if other.get(name) == digest}
    assert same == set()


def test_set_that_is_there_is_left_and_anything_else_refused(generated, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in generated.rglob("*")}
    write_generated_coco(generated, **SMALL)
    assert {path: path.stat().st_mtime_ns for path in generated.rglob("*")} == before
    with pytest.raises(ConfigError, match="holds something else"):
        write_generated_coco(generated, **{**SMALL, "images": 25})
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigError, match="holds something else"):
        write_generated_coco(tmp_path, **SMALL)


@pytest.mark.parametrize(
    "wrong", [{"images": 3}, {"classes": 0}, {"classes": 13}, {"seed": -1}, {"longest_side": 32}]
)
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        write_generated_coco(tmp_path, **{**SMALL, **wrong})


@pytest.mark.parametrize("seed", range(5))
def test_outlines_give_the_mask_back(seed):
    generator = np.random.default_rng(seed)
    mask = generator.random((12, 15)) < 0.5
    polygons = outline_polygons(mask)
    if polygons is not None:
        found = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, 12, 15)))
        np.testing.assert_array_equal(found, mask)
    solid = np.zeros((12, 15), bool)
    solid[2:9, 3:11] = solid[9:11, 5:6] = solid[11:, 12:] = True
    assert len(outline_polygons(solid)) == 2
    solid[4, 5] = False
    assert outline_polygons(solid) is None
