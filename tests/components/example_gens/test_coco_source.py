"""COCO's official layout, both kinds of annotations, and what is wrong with them."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from components.errors import ConfigError, DataError
from components.example_gens import coco_features as keys
from components.example_gens.coco_source import CocoSource
from components.example_gens.record_accounts import Accounts
from components.example_gens.record_source import RecordError
from components.example_gens.record_writer import cut_into_shards, write_shard

HEIGHT, WIDTH = 30, 40
SPLITS = {"train": "train2017", "eval": "val2017"}
THING = {"supercategory": "person", "isthing": 1, "id": 1, "name": "person"}
STUFF = {"supercategory": "ground", "isthing": 0, "id": 193, "name": "grass-merged"}
# Segment id -> x, y, width, height; the rest is void.
BOXES = {70_000: (2, 3, 10, 20), 300: (20, 0, 15, 30)}


def jpeg(size=(WIDTH, HEIGHT), mode="RGB", **options) -> bytes:
    levels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).convert(mode).save(buffer, format="JPEG", **options)
    return buffer.getvalue()


def id_map(boxes=None, size=(WIDTH, HEIGHT)) -> bytes:
    numbers = np.zeros((size[1], size[0]), int)
    for one, (x, y, w, h) in (BOXES if boxes is None else boxes).items():
        numbers[y : y + h, x : x + w] = one
    colours = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(colours.astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def annotation(number, image, **other):
    x, y, w, h = other.pop("bbox", [2, 3, 10, 20])
    polygon = [x, y, x + 10, y, x + 10, y + 20, x, y + 20]
    return {
        "segmentation": [polygon],
        "area": 200.5,
        "iscrowd": 0,
        "image_id": image,
        "bbox": [x, y, w, h],
        "category_id": 1,
        "id": number,
        **other,
    }


def segments():
    return [
        {"id": one, "category_id": category, "iscrowd": 0, "bbox": list(BOXES[one]), "area": area}
        for one, category, area in ((70_000, 1, 200), (300, 193, 450))
    ]


def contents(split):
    """What the two files of a split hold: three pictures, the last one without objects."""
    first = 10 if split == "train" else 50
    numbers = [first + 5, first, first + 9]
    images = [
        {"id": one, "file_name": f"{one:012d}.jpg", "height": HEIGHT, "width": WIDTH}
        for one in numbers
    ]
    crowd = annotation(10 * first + 2, first)
    run = coco_mask.encode(np.ones((HEIGHT, WIDTH), np.uint8, order="F"))["counts"].decode()
    crowd |= {
        "iscrowd": 1,
        "bbox": [0, 0, WIDTH, HEIGHT],
        "segmentation": {"size": [HEIGHT, WIDTH], "counts": run},
    }
    # Those of one picture do not stand together.
    objects = [
        annotation(10 * first, first),
        annotation(10 * first + 1, first + 5, bbox=[30.5, 3, 12, 20]),
        crowd,
    ]
    panoptic = [
        {
            "image_id": one,
            "file_name": f"{one:012d}.png",
            "segments_info": segments() if one != first + 9 else [],
        }
        for one in numbers
    ]
    return {
        "instances": {"images": images, "annotations": objects, "categories": [THING]},
        "panoptic": {"images": images, "annotations": panoptic, "categories": [THING, STUFF]},
    }


def path_of(root, kind, split="train"):
    return root / "annotations" / f"{kind}_{SPLITS[split]}.json"


def write(root):
    for split, name in SPLITS.items():
        maps = root / "annotations" / f"panoptic_{name}"
        maps.mkdir(parents=True)
        (root / name).mkdir()
        for kind, content in contents(split).items():
            path_of(root, kind, split).write_text(json.dumps(content))
        for image in contents(split)["panoptic"]["annotations"]:
            stem = image["file_name"].removesuffix(".png")
            (root / name / f"{stem}.jpg").write_bytes(jpeg())
            (maps / f"{stem}.png").write_bytes(id_map(None if image["segments_info"] else {}))
    return root


def change(root, kind, edit):
    """Changes a file of the training split by a function of its content."""
    path = path_of(root, kind)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def source(root, dataset="coco_instances", **data) -> CocoSource:
    return CocoSource.from_settings(str(root), {"subset": True, "dataset": dataset, **data})


def read(root, number=10, dataset="coco_instances", **data):
    one = source(root, dataset, **data)
    (reference,) = [ref for ref in one.references("train") if ref.number == number]
    return one.read(reference)


def refused(root, *arguments, **options) -> RecordError:
    with pytest.raises(RecordError, match=r"image 1\d|of image 1\d|segment") as caught:
        read(root, *arguments, **options)
    assert caught.value.expected
    assert caught.value.fix
    return caught.value


def test_splits_are_as_given_and_in_the_order_of_the_ids(tmp_path):
    one = source(write(tmp_path))
    assert [ref.number for ref in one.references("train")] == [10, 15, 19]
    assert [ref.number for ref in one.references("eval")] == [50, 55, 59]
    assert one.key(one.references("eval")[0]) == "val2017/000000000050.jpg"
    assert [ref.number for ref in source(tmp_path, "coco_panoptic").references("train")] == [
        10,
        15,
        19,
    ]


def test_record_keeps_bytes_objects_and_crowds(tmp_path):
    record = read(write(tmp_path))
    assert record.key == "train2017/000000000010.jpg"
    features = record.features
    assert features[keys.IMAGE_ENCODED] == (tmp_path / record.key).read_bytes()
    assert (features[keys.IMAGE_HEIGHT], features[keys.IMAGE_WIDTH]) == (HEIGHT, WIDTH)
    assert features[keys.IMAGE_NUMBER] == 10
    assert features[keys.OBJECT_CATEGORY].tolist() == [1, 1]
    assert features[keys.OBJECT_IS_CROWD].tolist() == [0, 1]
    assert features[keys.OBJECT_AREA].tolist() == [200.5, 200.5]
    assert features[keys.OBJECT_BOX_XYWH].tolist() == [2, 3, 10, 20, 0, 0, WIDTH, HEIGHT]
    masks = [
        coco_mask.decode({"size": [HEIGHT, WIDTH], "counts": bytes(text)})
        for text in features[keys.OBJECT_MASK_RLE]
    ]
    assert masks[0][3:23, 2:12].all()
    assert [int(mask.sum()) for mask in masks] == [200, HEIGHT * WIDTH]
    assert keys.PANOPTIC_ENCODED not in features
    assert (record.objects, record.rejected_objects, record.conversions) == (2, (), ())


def test_image_without_objects_is_kept(tmp_path):
    write(tmp_path)
    for dataset in ("coco_instances", "coco_panoptic"):
        record = read(tmp_path, 19, dataset)
        assert record.objects == 0
        assert record.features[keys.OBJECT_CATEGORY].tolist() == []
    assert record.features[keys.SEGMENT_ID].tolist() == []


def test_panoptic_record_has_segments_and_the_objects_of_the_other_file(tmp_path):
    features = read(write(tmp_path), dataset="coco_panoptic").features
    assert features[keys.SEGMENT_ID].tolist() == [70_000, 300]
    assert features[keys.SEGMENT_CATEGORY].tolist() == [1, 193]
    assert features[keys.SEGMENT_BOX_XYWH].tolist() == [2, 3, 10, 20, 20, 0, 15, 30]
    assert features[keys.SEGMENT_AREA].tolist() == [200, 450]
    assert features[keys.PANOPTIC_ENCODED] == id_map()
    assert features[keys.OBJECT_IS_CROWD].tolist() == [0, 1]


def test_things_among_the_segments_are_the_objects_where_there_is_no_other_file(tmp_path):
    write(tmp_path)
    for split in SPLITS:
        path_of(tmp_path, "instances", split).unlink()
    features = read(tmp_path, dataset="coco_panoptic").features
    assert features[keys.OBJECT_CATEGORY].tolist() == [1]
    assert features[keys.OBJECT_BOX_XYWH].tolist() == [2, 3, 10, 20]
    text = bytes(features[keys.OBJECT_MASK_RLE][0])
    mask = coco_mask.decode({"size": [HEIGHT, WIDTH], "counts": text})
    assert (int(mask.sum()), mask[3:23, 2:12].all()) == (200, True)


def test_maps_may_lie_beside_the_annotations_or_the_images(tmp_path):
    write(tmp_path)
    for name in SPLITS.values():
        (tmp_path / "annotations" / f"panoptic_{name}").rename(tmp_path / f"panoptic_{name}")
    assert read(tmp_path, dataset="coco_panoptic").features[keys.PANOPTIC_ENCODED] == id_map()
    (tmp_path / "panoptic_train2017").rename(tmp_path / "elsewhere")
    (tmp_path / "annotations" / "panoptic_train2017.zip").touch()
    with pytest.raises(DataError, match="no folder panoptic_train2017") as caught:
        source(tmp_path, "coco_panoptic").references("train")
    assert "its archive" in caught.value.found
    assert "unpack annotations/panoptic_train2017.zip" in caught.value.fix


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([2, 3, 10, 0], "degenerate_box"),
        ([2, 3, 0.0, 20], "degenerate_box"),
        ([2, 3, -10, 20], "negative_box"),
        ([2, float("nan"), 10, 20], "box_not_finite"),
        ([2, 3, float("inf"), 20], "box_not_finite"),
        ([40, 3, 10, 20], "box_outside_picture"),
        ([-12, 3, 10, 20], "box_outside_picture"),
    ],
)
def test_box_without_area_is_left_out_counted_and_listed(tmp_path, box, reason):
    change(write(tmp_path), "instances", lambda c: c["annotations"][0].update(bbox=box))
    record = read(tmp_path)
    assert record.objects == 2
    assert record.features[keys.OBJECT_IS_CROWD].tolist() == [1]
    (error,) = record.rejected_objects
    assert error.reason == reason
    assert "annotation 100 of image 10" in error.what


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"area": float("nan")}, "area"),
        ({"area": -1}, "area"),
        ({"segmentation": [[1, 2, 3, 4]]}, "polygon"),
    ],
)
def test_other_faults_of_an_object_leave_it_out_too(tmp_path, other, reason):
    change(write(tmp_path), "instances", lambda c: c["annotations"][0].update(other))
    assert [error.reason for error in read(tmp_path).rejected_objects] == [reason]


def test_box_that_leaves_the_picture_is_kept_as_it_is_and_counted(tmp_path):
    record = read(write(tmp_path), 15)
    assert record.conversions == ("box_clipped",)
    assert record.features[keys.OBJECT_BOX_XYWH].tolist() == [30.5, 3, 12, 20]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"category_id": 2}, "unknown_category"),
        ({"category_id": None}, "unknown_category"),
        ({"iscrowd": 2}, "crowd_flag"),
        ({"bbox": [1, 2, 3]}, "box"),
        ({"bbox": None}, "box"),
        ({"segmentation": {"size": [WIDTH, HEIGHT], "counts": [HEIGHT * WIDTH]}}, "rle_size"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": [5]}}, "rle_counts"),
    ],
)
def test_annotation_that_cannot_be_of_its_picture_rejects_it(tmp_path, other, reason):
    change(write(tmp_path), "instances", lambda c: c["annotations"][0].update(other))
    error = refused(tmp_path)
    assert error.reason == reason
    assert "annotation 100 of image 10" in error.what


def test_rejected_objects_end_the_run_unless_allowed(tmp_path):
    root = write(tmp_path / "data")
    change(root, "instances", lambda c: c["annotations"][0].update(bbox=[2, 3, 0, 1]))
    one = source(root)
    references = {split: one.references(split) for split in one.SPLITS}
    summaries = [
        write_shard(one, shard, str(tmp_path)) for shard in cut_into_shards(references, 100)
    ]
    accounts = Accounts.of({split: len(found) for split, found in references.items()}, summaries)
    assert accounts.written == {"train": 3, "eval": 3}
    assert accounts.counts()["objects"] == {"listed": 6, "rejected": {"degenerate_box": 1}}
    with pytest.raises(DataError, match="box of annotation 100 of image 10"):
        accounts.check(str(root), one)
    accounts.check(str(root), source(root, max_rejected_objects_share=0.2))


def drop_pixels(numbers):
    return {one: box for one, box in BOXES.items() if one not in numbers}


@pytest.mark.parametrize(
    ("content", "reason", "found"),
    [
        (id_map({**BOXES, 9: (0, 25, 2, 2)}), "id_not_in_json", "id 9, 4 pixels"),
        (id_map(drop_pixels([300])), "id_not_in_png", "450 pixels in the JSON"),
        (id_map({**BOXES, 0: (4, 4, 1, 1)}), "segment_area", "200"),
        (id_map({**BOXES, 70_000: (3, 3, 10, 20)}), "segment_box", "(2.0, 3.0, 10.0, 20.0)"),
        (id_map(size=(WIDTH, HEIGHT + 1)), "png_size", f"{WIDTH} x {HEIGHT + 1} pixels"),
        (id_map()[:-30], "damaged_png", "a PNG picture"),
        (b"<html>", "damaged_png", "an HTML page"),
        (b"", "damaged_png", "an empty file"),
        (None, "missing_png", "no file"),
    ],
)
def test_map_that_contradicts_the_json_is_rejected(tmp_path, content, reason, found):
    path = write(tmp_path) / "annotations" / "panoptic_train2017" / "000000000010.png"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    error = refused(tmp_path, dataset="coco_panoptic")
    assert error.reason == reason
    assert found in str(error.found)
    assert "image 10" in error.what


@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_map_of_another_mode_is_rejected(tmp_path, mode):
    path = write(tmp_path) / "annotations" / "panoptic_train2017" / "000000000010.png"
    Image.open(path).convert(mode).save(path)
    error = refused(tmp_path, dataset="coco_panoptic")
    assert error.reason == "png_mode"
    assert f"mode {mode}" in error.found


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"category_id": 5}, "unknown_category"),
        ({"iscrowd": None}, "crowd_flag"),
        ({"area": 199}, "segment_area"),
        ({"area": 200.0}, "segments_info"),
        ({"bbox": [2, 3, 10, 21]}, "segment_box"),
        ({"bbox": [2, 3, -10, 20]}, "negative_box"),
        ({"bbox": [2, 3, 10, 0]}, "degenerate_box"),
        ({"bbox": [2, 3, 10, float("nan")]}, "box_not_finite"),
        ({"id": 0}, "segments_info"),
        ({"id": 300}, "segments_info"),
        ({"id": "70000"}, "segments_info"),
        ({"id": 2**24}, "segments_info"),
    ],
)
def test_segment_that_cannot_be_of_its_map_rejects_the_picture(tmp_path, other, reason):
    def edit(content):
        (one,) = [x for x in content["annotations"] if x["image_id"] == 10]
        one["segments_info"][0].update(other)

    change(write(tmp_path), "panoptic", edit)
    assert refused(tmp_path, dataset="coco_panoptic").reason == reason


def test_image_without_segments_in_the_json_is_rejected(tmp_path):
    change(write(tmp_path), "panoptic", lambda c: c["annotations"].pop(1))
    assert refused(tmp_path, dataset="coco_panoptic").reason == "no_segments"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (jpeg((WIDTH, HEIGHT + 2)), "image_size"),
        (jpeg((1, HEIGHT)), "too_small"),
        (jpeg()[:-300], "truncated_or_damaged"),
        (b"<html>", "not_a_picture"),
        (None, "missing_image"),
    ],
)
def test_picture_that_cannot_be_used_is_rejected(tmp_path, content, reason):
    path = write(tmp_path) / "train2017" / "000000000010.jpg"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert refused(tmp_path).reason == reason


def test_gray_pictures_and_notes_of_cameras_are_counted(tmp_path):
    path = write(tmp_path) / "train2017" / "000000000010.jpg"
    path.write_bytes(jpeg(mode="L"))
    assert read(tmp_path).conversions == ("gray_to_colour",)
    exif = Image.Exif()
    exif[0x0112] = 6
    path.write_bytes(jpeg(exif=exif.tobytes()))
    assert "exif_orientation_ignored" in read(tmp_path).conversions


def test_picture_that_would_leave_the_canvas_is_rejected(tmp_path):
    """40 x 30 to a shorter side of 60 is 80 wide."""
    sizes = {"augmentation": "none", "eval_size": 60, "max_size": 79, "canvas_size": 79}
    assert read(write(tmp_path), **sizes).objects == 2
    thin = jpeg((400, 2))
    (tmp_path / "train2017" / "000000000010.jpg").write_bytes(thin)
    change(tmp_path, "instances", lambda c: c["images"][1].update(height=2, width=400))
    error = refused(tmp_path, **sizes)
    assert error.reason == "too_long"
    assert "canvas_size" in error.fix


def test_very_large_picture_is_rejected_before_it_is_decoded(tmp_path):
    path = write(tmp_path) / "train2017" / "000000000010.jpg"
    Image.new("1", (9000, 8000)).save(path, format="PNG")
    assert refused(tmp_path).reason == "too_large"


def test_more_objects_than_the_arrays_hold_are_rejected(tmp_path):
    error = refused(write(tmp_path), max_objects=1)
    assert error.reason == "too_many_objects"
    assert error.fix == "--set data.max_objects=2"


@pytest.mark.parametrize("kind", ["instances", "panoptic"])
def test_truncated_or_missing_annotations_are_named(tmp_path, kind):
    path = path_of(write(tmp_path), kind)
    content = path.read_bytes()
    path.write_bytes(content[:-200])
    with pytest.raises(DataError, match=rf"{kind}_train2017.json is truncated at byte"):
        source(tmp_path, f"coco_{kind}").references("train")
    path.unlink()
    with pytest.raises(DataError, match=rf"no file or folder at .*{kind}_train2017.json"):
        source(tmp_path, f"coco_{kind}").references("train")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c["images"].append(dict(c["images"][0])), "has the image 15 twice"),
        (lambda c: c["annotations"].append(c["annotations"][0]), "has the annotation 100 twice"),
        (lambda c: c["annotations"][0].update(image_id=99), "images that it does not list"),
        (lambda c: c["annotations"][0].update(image_id="10"), "element of `annotations`"),
        (lambda c: c["images"][0].update(file_name="../x.jpg"), "element of `images`"),
        (lambda c: c["images"][0].pop("id"), "element of `images`"),
        (lambda c: c["annotations"].append([1]), "element of `annotations`"),
        (lambda c: c.pop("categories"), "lacks `categories`"),
        (lambda c: c.update(images=[], annotations=[]), "lacks images"),
        (lambda c: c.update(categories=[]), "`categories` of .* cannot be used"),
        (lambda c: c["categories"].append(dict(THING)), "`categories` of .* cannot be used"),
        (lambda c: c["categories"][0].update(name="human"), "a category that is not COCO's"),
        (
            lambda c: c["categories"].append({"id": 12, "name": "x"}),
            "a category that is not COCO's",
        ),
        (lambda c: c["categories"].append({"id": 91, "name": "x"}), "not below the number"),
    ],
)
def test_file_that_contradicts_itself_is_refused(tmp_path, edit, message):
    change(write(tmp_path), "instances", edit)
    with pytest.raises(DataError, match=message) as caught:
        source(tmp_path).references("train")
    assert "instances_train2017.json" in caught.value.what
    assert caught.value.fix


def test_custom_categories_are_accepted_when_asked_for(tmp_path):
    change(write(tmp_path), "instances", lambda c: c["categories"][0].update(name="worm"))
    with pytest.raises(DataError, match="not COCO's"):
        source(tmp_path).references("train")
    assert source(tmp_path, categories="custom", classes=2).references("train")


def test_two_files_about_different_pictures_are_refused(tmp_path):
    change(write(tmp_path), "instances", lambda c: c["images"][1].update(file_name="other.jpg"))
    with pytest.raises(DataError, match="lists pictures that") as caught:
        source(tmp_path, "coco_panoptic").references("train")
    assert "000000000010.jpg" in caught.value.found


def test_official_numbers_are_required_without_subset(tmp_path):
    with pytest.raises(DataError, match="official number of images") as caught:
        source(write(tmp_path), subset=False).references("eval")
    assert (caught.value.found, caught.value.expected) == ("3", "5,000")
    assert "data.subset=true" in caught.value.fix


def test_file_that_changes_under_the_run_is_noticed(tmp_path):
    one = source(write(tmp_path))
    (reference, *_) = one.references("train")
    path = path_of(tmp_path, "instances")
    path.write_text(" " * 50 + path.read_text())
    with pytest.raises(DataError, match="not what it was"):
        one.read(reference)


def test_fingerprint_follows_annotations_pictures_and_maps(tmp_path):
    def fingerprints():
        return [
            source(tmp_path, name).fingerprint() for name in ("coco_instances", "coco_panoptic")
        ]

    write(tmp_path)
    found = [fingerprints()]
    assert fingerprints() == found[0]
    change(tmp_path, "instances", lambda c: c["annotations"][0].update(area=1))
    found.append(fingerprints())
    (tmp_path / "train2017" / "000000000010.jpg").unlink()
    found.append(fingerprints())
    assert len({one for pair in found for one in pair}) == 6
    (tmp_path / "annotations" / "panoptic_val2017" / "000000000050.png").unlink()
    last = fingerprints()
    assert last[0] == found[-1][0]
    assert last[1] != found[-1][1]


def test_unknown_settings_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="data"):
        source(tmp_path, "coco_stuff")


@pytest.mark.realdata
def test_real_scenes_agree_in_json_and_png(shared_dir):
    one = source(shared_dir / "data" / "coco", "coco_panoptic")
    counts = {}
    for split in one.SPLITS:
        records = [one.read(reference) for reference in one.references(split)]
        counts[split] = len(records)
        assert not any(record.rejected_objects for record in records)
        gray = [record.key for record in records if "gray_to_colour" in record.conversions]
        assert len(gray) <= 1
        assert all(record.features[keys.SEGMENT_ID].size for record in records)
    assert counts == {"train": 60, "eval": 40}
