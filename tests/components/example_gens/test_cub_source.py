"""CUB's official layout, odd files, and lists that are damaged or disagree."""

import io

import numpy as np
import pytest
from PIL import Image

from components.errors import ConfigError, DataError
from components.example_gens import boxed_image_features as keys
from components.example_gens.cub_source import CubSource
from components.example_gens.record_accounts import Accounts
from components.example_gens.record_source import RecordError
from components.example_gens.record_writer import cut_into_shards, write_shard

CLASSES = ["001.Albatross", "002.Auklet", "003.Bunting"]
# id, class, training image, box; the ids have gaps, as those of the subset.
IMAGES = [
    (1, 1, 1, "10.0 5.0 20.0 15.0"),
    (2, 1, 0, "0.0 0.0 40.0 30.0"),
    (5, 2, 1, "10.5 5.5 20.25 15.75"),
    (6, 2, 0, "30.0 20.0 11.0 10.0"),
    (9, 3, 1, "1.0 1.0 2.0 2.0"),
    (12, 3, 0, "3.0 4.0 5.0 6.0"),
]
LISTS = ["images", "bounding_boxes", "image_class_labels", "train_test_split", "classes"]


def picture(mode="RGB", size=(40, 30), **options) -> bytes:
    levels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).convert(mode).save(buffer, format="JPEG", **options)
    return buffer.getvalue()


def name_of(identifier, label) -> str:
    return f"{CLASSES[label - 1]}/bird_{identifier:04d}.jpg"


def write(root):
    lines = {name: [] for name in LISTS}
    for identifier, label, train, box in IMAGES:
        path = root / "images" / name_of(identifier, label)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
        lines["images"].append(f"{identifier} {name_of(identifier, label)}")
        lines["bounding_boxes"].append(f"{identifier} {box}")
        lines["image_class_labels"].append(f"{identifier} {label}")
        lines["train_test_split"].append(f"{identifier} {train}")
    lines["classes"] = [f"{number} {name}" for number, name in enumerate(CLASSES, start=1)]
    for name, found in lines.items():
        (root / f"{name}.txt").write_text("\n".join(found) + "\n")
    return root


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def source(root, **data) -> CubSource:
    return CubSource.from_settings(
        str(root), {"subset": True, "fine_classes": 3, "super_classes": 1, **data}
    )


def read(root, identifier):
    one = source(root)
    (image,) = [image for image in one.references("train") if image.name == str(identifier)]
    return one.read(image)


def test_paper_trains_on_all_and_evaluates_on_the_official_test_images(tmp_path):
    one = source(write(tmp_path))
    assert [image.name for image in one.references("train")] == ["1", "2", "5", "6", "9", "12"]
    assert [image.name for image in one.references("eval")] == ["2", "6", "12"]
    official = source(tmp_path, training_images="train")
    assert [image.name for image in official.references("train")] == ["1", "5", "9"]
    assert CubSource.SPLITS == ("train", "eval")


def test_record_keeps_bytes_box_and_class(tmp_path):
    record = read(write(tmp_path), 5)
    assert record.key == "images/002.Auklet/bird_0005.jpg"
    features = record.features
    assert features[keys.IMAGE_ENCODED] == (tmp_path / record.key).read_bytes()
    assert (features[keys.IMAGE_HEIGHT], features[keys.IMAGE_WIDTH]) == (30, 40)
    assert (features[keys.IMAGE_CHANNELS], features[keys.IMAGE_ID]) == (3, record.key.encode())
    np.testing.assert_array_equal(features[keys.BOX_XYWH], [10.5, 5.5, 20.25, 15.75])
    assert features[keys.BOX_XYWH].dtype == np.float32
    assert (features[keys.CLASS_LABEL], features[keys.CLASS_TEXT]) == (1, b"002.Auklet")
    assert record.conversions == ()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", ("gray_to_colour",)),
        ("CMYK", ("cmyk_to_rgb", "reencoded_as_png")),
    ],
)
def test_other_colour_modes_are_converted_and_counted(tmp_path, mode, expected):
    (write(tmp_path) / "images" / name_of(1, 1)).write_bytes(picture(mode))
    record = read(tmp_path, 1)
    assert record.conversions == expected
    assert Image.open(io.BytesIO(record.features[keys.IMAGE_ENCODED])).mode in ("L", "RGB")


def test_box_counts_stored_pixels_whatever_the_camera_noted(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = picture(exif=exif.tobytes())
    (write(tmp_path) / "images" / name_of(2, 1)).write_bytes(content)
    record = read(tmp_path, 2)
    assert record.conversions == ("exif_orientation_ignored", "reencoded_as_png")
    assert record.features[keys.IMAGE_WIDTH] == 40
    kept = Image.open(io.BytesIO(record.features[keys.IMAGE_ENCODED]))
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(Image.open(io.BytesIO(content))))
    np.testing.assert_array_equal(record.features[keys.BOX_XYWH], [0, 0, 40, 30])


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ("30.0 20.0 11.0 10.0", [30, 20, 10, 10]),
        ("-2.0 -3.5 10.0 10.0", [0, 0, 8, 6.5]),
        ("-5 -5 100 100", [0, 0, 40, 30]),
    ],
)
def test_box_that_leaves_the_image_is_clipped_and_counted(tmp_path, box, inside):
    replace(write(tmp_path) / "bounding_boxes.txt", "5 10.5 5.5 20.25 15.75", f"5 {box}")
    record = read(tmp_path, 5)
    np.testing.assert_array_equal(record.features[keys.BOX_XYWH], np.float32(inside))
    assert record.conversions == ("box_clipped",)


@pytest.mark.parametrize(
    "box",
    [
        "1.0 1.0 0.0 5.0",
        "1.0 1.0 5.0 0.9",
        "1.0 1.0 1.0 1.9",
        "1.0 1.0 -4.0 5.0",
        "40.0 1.0 5.0 5.0",
        "90.0 90.0 5.0 5.0",
    ],
)
def test_box_without_area_is_rejected_with_the_images_id(tmp_path, box):
    replace(write(tmp_path) / "bounding_boxes.txt", "12 3.0 4.0 5.0 6.0", f"12 {box}")
    with pytest.raises(RecordError, match=r"box of image 12 \(.*bird_0012.jpg\)") as caught:
        read(tmp_path, 12)
    assert caught.value.reason == "degenerate_box"
    assert "40 x 30 pixels" in caught.value.found
    assert "max_rejected_share" in caught.value.fix


def test_missing_image_is_rejected_with_its_id(tmp_path):
    (write(tmp_path) / "images" / name_of(6, 2)).unlink()
    with pytest.raises(RecordError, match=r"image 6 \(.*bird_0006.jpg\) is not there") as caught:
        read(tmp_path, 6)
    assert caught.value.reason == "missing_image"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>404 Not Found</html>", "not_a_picture"),
        (picture()[:-300], "truncated_or_damaged"),
        (b"", "not_a_picture"),
    ],
)
def test_file_that_is_not_an_image_is_rejected_by_name(tmp_path, content, reason):
    (write(tmp_path) / "images" / name_of(9, 3)).write_bytes(content)
    with pytest.raises(RecordError, match=r"image 9 \(.*bird_0009.jpg\)") as caught:
        read(tmp_path, 9)
    assert caught.value.reason == reason


def test_rejected_records_are_accounted_for_and_end_the_run_unless_allowed(tmp_path):
    root = write(tmp_path / "data")
    (root / "images" / name_of(6, 2)).unlink()
    replace(root / "bounding_boxes.txt", "2 0.0 0.0 40.0 30.0", "2 0.0 0.0 0.0 30.0")
    one = source(root)
    references = {split: one.references(split) for split in one.SPLITS}
    summaries = [
        write_shard(one, shard, str(tmp_path)) for shard in cut_into_shards(references, 100)
    ]
    accounts = Accounts.of({split: len(found) for split, found in references.items()}, summaries)
    assert accounts.written == {"train": 4, "eval": 1}
    assert accounts.rejected_by_reason() == {"degenerate_box": 2, "missing_image": 2}
    with pytest.raises(DataError, match="too many records") as caught:
        accounts.check(str(root), one)
    assert "image 2" in caught.value.found
    assert "image 6" in caught.value.found
    accounts.check(str(root), source(root, max_rejected_share=0.5))


@pytest.mark.parametrize("name", LISTS)
def test_windows_line_ends_byte_order_mark_and_blank_lines_change_nothing(tmp_path, name):
    one = source(write(tmp_path))
    before = one.references("train"), one.class_names
    path = tmp_path / f"{name}.txt"
    content = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + content + b"\r\n\r\n")
    again = source(tmp_path)
    assert (again.references("train"), again.class_names) == before


@pytest.mark.parametrize("name", LISTS[1:4])
def test_id_that_one_file_lacks_is_named(tmp_path, name):
    path = write(tmp_path) / f"{name}.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:4]))
    with pytest.raises(DataError, match=rf"{name}.txt says nothing about image 9") as caught:
        source(tmp_path).references("train")
    assert "2 ids" in caught.value.found
    path.write_text("\n".join([*lines, lines[0].replace("1 ", "77 ", 1)]))
    with pytest.raises(DataError, match=rf"images.txt says nothing about image 77, .*{name}"):
        source(tmp_path).references("train")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("images", "5 002", "five 002", r"line 3 of .*images.txt cannot be read: `five`"),
        ("images", "5 002", "5.0 002", r"line 3 of .*images.txt"),
        ("images", "5 002", "-5 002", r"line 3 of .*images.txt"),
        ("images", "5 002", "2 002", r"line 3 of .*images.txt repeats the id 2"),
        ("images", "bird_0005", "bird_0006", r"bird_0006.jpg is listed twice"),
        ("images", " 002.Auklet/bird_0005.jpg", "", r"line 3 of .*: nothing follows the id"),
        ("bounding_boxes", "20.25 15.75", "20.25", r"line 3 of .*: 3 numbers"),
        ("bounding_boxes", "20.25", "wide", r"line 3 of .*bounding_boxes.txt .*'wide'"),
        ("bounding_boxes", "20.25", "nan", r"line 3 of .*not finite"),
        ("bounding_boxes", "5 10.5", "1 10.5", r"line 3 of .*repeats the id 1"),
        ("image_class_labels", "5 2", "5 two", r"line 3 of .*image_class_labels.txt.*`two`"),
        ("image_class_labels", "5 2", "5 0", r"line 3 of .*image_class_labels.txt"),
        ("image_class_labels", "5 2", "5 4", r"gives image 5 a class without a name"),
        ("image_class_labels", "5 2", "5 1", r"images of one folder different classes"),
        ("train_test_split", "5 1", "5 2", r"line 3 of .*train_test_split.txt .*neither 0 nor 1"),
        ("classes", "2 002.Auklet", "2", r"line 2 of .*classes.txt"),
        ("classes", "2 002", "4 002", r"leaves out the class 2"),
    ],
)
def test_damaged_line_is_named(tmp_path, name, old, new, message):
    replace(write(tmp_path) / f"{name}.txt", old, new)
    with pytest.raises(DataError, match=message) as caught:
        source(tmp_path).references("train")
    assert caught.value.expected
    assert caught.value.fix


def test_truncated_list_is_named(tmp_path):
    path = write(tmp_path) / "bounding_boxes.txt"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"line 6 of .*bounding_boxes.txt") as caught:
        source(tmp_path).references("train")
    assert "cut off" in caught.value.fix


@pytest.mark.parametrize("name", LISTS)
def test_empty_missing_or_foreign_list_is_named(tmp_path, name):
    path = write(tmp_path) / f"{name}.txt"
    text = path.read_text()
    for content, message in (
        (b"", "empty"),
        (text.encode("utf-16"), "not a list in UTF-8"),
        (picture(), "not a list in UTF-8"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}.txt (is )?{message}"):
            source(tmp_path).references("train")
    path.unlink()
    with pytest.raises(DataError, match=rf"no file or folder at .*{name}.txt"):
        source(tmp_path).references("train")


def test_fewer_classes_than_configured_are_refused(tmp_path):
    with pytest.raises(DataError, match="fewer classes than configured") as caught:
        source(write(tmp_path), fine_classes=4).references("train")
    assert "3 classes" in caught.value.found
    assert "data.fine_classes=3" in caught.value.fix


def test_official_numbers_are_required_without_subset(tmp_path):
    with pytest.raises(DataError, match="official number of classes") as caught:
        source(write(tmp_path), subset=False).references("train")
    assert "data.subset=true" in caught.value.fix


def test_another_data_set_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="this reads cub"):
        source(tmp_path, dataset="stanford_cars", fine_classes=None)


def test_fingerprint_follows_lists_pictures_and_absent_files(tmp_path):
    found = [source(write(tmp_path)).fingerprint()]
    replace(tmp_path / "bounding_boxes.txt", "12 3.0", "12 2.0")
    found.append(source(tmp_path).fingerprint())
    path = tmp_path / "images" / name_of(1, 1)
    path.write_bytes(picture("L"))
    found.append(source(tmp_path).fingerprint())
    path.unlink()
    found.append(source(tmp_path).fingerprint())
    assert len(set(found)) == 4
    assert source(tmp_path).fingerprint() == found[-1]


@pytest.mark.realdata
def test_real_birds(shared_dir):
    one = source(shared_dir / "data" / "CUB_200_2011", fine_classes=20)
    train, evaluation = one.references("train"), one.references("eval")
    assert len(train) == 1115
    assert len(evaluation) == sum(not image.in_train for image in train)
    assert {image.label for image in train} == set(range(20))
    assert len(one.class_names) == 200
    records = [one.read(image) for image in train[::5]]
    for record in records:
        left, top, width, height = record.features[keys.BOX_XYWH]
        assert left >= 0
        assert top >= 0
        assert left + width <= record.features[keys.IMAGE_WIDTH] + 1e-4
        assert top + height <= record.features[keys.IMAGE_HEIGHT] + 1e-4
    kinds = {name for record in records for name in record.conversions}
    assert kinds <= {"gray_to_colour", "box_clipped"}
