"""Stanford Dogs' official layout, several dogs in a picture, and damaged annotations."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from components.errors import DataError
from components.example_gens import boxed_image_features as keys
from components.example_gens.record_source import RecordError
from components.example_gens.stanford_dogs_source import StanfordDogsSource

BREEDS = ["n02085620-Chihuahua", "n02085782-Japanese_spaniel"]
# breed, number, boxes xmin ymin xmax ymax
TRAIN = [(0, 1, ["2 3 20 18"]), (1, 2, ["0 0 10 10", "5 5 35 25", "1 1 4 4"])]
TEST = [(0, 3, ["1 1 41 30"]), (1, 4, ["4 4 9 9"])]


def name_of(breed, number) -> str:
    return f"{BREEDS[breed]}/{BREEDS[breed][:9]}_{number}"


def xml(boxes) -> str:
    objects = []
    for box in boxes:
        corners = zip(("xmin", "ymin", "xmax", "ymax"), box.split(), strict=True)
        inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in corners)
        objects.append(f"<object><name>dog</name><bndbox>{inner}</bndbox></object>")
    return f"<annotation><size><width>40</width></size>{''.join(objects)}</annotation>"


def write(root, folder=""):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for file, dogs in (("train_list.mat", TRAIN), ("test_list.mat", TEST)):
        for breed, number, boxes in dogs:
            picture = root / "Images" / f"{name_of(breed, number)}.jpg"
            annotation = root / "Annotation" / name_of(breed, number)
            for path in (picture, annotation):
                path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 30), (9, 99, 199)).save(picture)
            annotation.write_text(xml(boxes))
        names = [f"{name_of(breed, number)}.jpg" for breed, number, _ in dogs]
        labels = np.array([[breed + 1] for breed, *_ in dogs], np.uint8)
        save_list(root / folder / file, names, labels)
    return root


def save_list(path, names, labels):
    savemat(path, {"file_list": np.array(names, dtype=object)[:, None], "labels": labels})


def source(root, **data) -> StanfordDogsSource:
    settings = {"dataset": "stanford_dogs", "subset": True, "fine_classes": 2, "super_classes": 1}
    return StanfordDogsSource.from_settings(str(root), {**settings, **data})


@pytest.mark.parametrize("folder", ["", "lists"])
def test_records_of_both_splits(tmp_path, folder):
    one = source(write(tmp_path, folder))
    train, evaluation = one.references("train"), one.references("eval")
    assert (one.class_names, [image.label for image in train]) == (BREEDS, [0, 1])
    first, second = (one.read(image) for image in train)
    np.testing.assert_array_equal(first.features[keys.BOX_XYWH], [2, 3, 18, 15])
    assert (first.features[keys.CLASS_TEXT], first.conversions) == (BREEDS[0].encode(), ())
    # Of several dogs, the largest.
    np.testing.assert_array_equal(second.features[keys.BOX_XYWH], [5, 5, 30, 20])
    assert second.conversions == ("largest_of_several_boxes",)
    assert one.read(evaluation[0]).conversions == ("box_clipped",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "missing_annotation"),
        ("<annotation><object>", "damaged_annotation"),
        ("<annotation></annotation>", "damaged_annotation"),
        (xml(["1 2 3 x"]), "damaged_annotation"),
        (xml(["1 2 3 nan"]), "damaged_annotation"),
        (xml(["9 9 9 12"]), "degenerate_box"),
        (xml(["9 9 3 12"]), "degenerate_box"),
    ],
)
def test_annotation_that_cannot_be_used_is_rejected_by_name(tmp_path, content, reason):
    path = write(tmp_path) / "Annotation" / name_of(0, 1)
    path.unlink() if content is None else path.write_text(content)
    one = source(tmp_path)
    with pytest.raises(RecordError, match=r"n02085620_1\b") as caught:
        one.read(one.references("train")[0])
    assert caught.value.reason == reason
    assert caught.value.fix


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (["a/b.jpg"], [1, 2], "does not give every picture a label"),
        (["a/b.jpg", "c/d.jpg"], [1, 0], r"entry 2 of .*train_list.mat"),
        (["a/b.jpg", "d.jpg"], [1, 2], r"entry 2 of .*train_list.mat"),
        (["a/b.jpg", "c/d.jpg"], [1, 1.5], r"entry 2 of .*train_list.mat"),
        (["a/b.jpg", "c/d.jpg"], [1, 1], "pictures of two folders one label"),
        (["a/b.jpg", "a/b.jpg"], [1, 1], "b.jpg is listed twice"),
    ],
)
def test_damaged_list_is_named(tmp_path, names, labels, message):
    root = write(tmp_path)
    save_list(root / "train_list.mat", names, np.array(labels)[:, None])
    save_list(root / "test_list.mat", ["z/y.jpg"], np.array([[3]]))
    with pytest.raises(DataError, match=message):
        source(root).references("train")


def test_missing_list_is_named(tmp_path):
    (write(tmp_path) / "test_list.mat").unlink()
    with pytest.raises(DataError, match=r"no file or folder at .*test_list.mat"):
        source(tmp_path).references("train")


def test_fewer_classes_than_configured_are_refused(tmp_path):
    with pytest.raises(DataError, match="fewer classes than configured"):
        source(write(tmp_path), fine_classes=3).references("train")


def test_fingerprint_follows_the_annotations_contents(tmp_path):
    before = source(write(tmp_path)).fingerprint()
    path = tmp_path / "Annotation" / name_of(0, 1)
    path.write_text(path.read_text().replace("<xmin>2<", "<xmin>1<"))
    changed = source(tmp_path).fingerprint()
    path.unlink()
    assert len({before, changed, source(tmp_path).fingerprint()}) == 3
