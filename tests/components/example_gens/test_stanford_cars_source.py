"""Stanford Cars in both official layouts, and damaged annotations."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from components.errors import DataError
from components.example_gens import boxed_image_features as keys
from components.example_gens.boxed_image_config import BoxedImageDataConfig
from components.example_gens.record_source import RecordError
from components.example_gens.stanford_cars_source import StanfordCarsSource

NAMES = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012"]
CORNERS = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"]
# name, class, test image, x1 y1 x2 y2
CARS = [
    ("000001.jpg", 1, 0, (1, 1, 40, 30)),
    ("000002.jpg", 2, 0, (3, 5, 12, 14)),
    ("000003.jpg", 1, 1, (11, 2, 41, 20)),
    ("000004.jpg", 2, 1, (5, 5, 20, 25)),
]


def structure(fields, rows):
    found = np.zeros(len(rows), dtype=[(field, "O") for field in fields])
    for position, row in enumerate(rows):
        found[position] = row
    return found


def save_names(path):
    savemat(path, {"class_names": np.array(NAMES, dtype=object)})


def save_picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (90, 10, 200)).save(path)


def write_together(root, cars=CARS, fields=("relative_im_path", *CORNERS, "class", "test")):
    root.mkdir(exist_ok=True)
    rows = []
    for name, label, test, box in cars:
        save_picture(root / "car_ims" / name)
        rows.append((f"car_ims/{name}", *box, label, test))
    annotations = structure(fields, rows)
    savemat(
        root / "cars_annos.mat",
        {"annotations": annotations, "class_names": np.array(NAMES, dtype=object)},
        do_compression=True,
    )
    return root


def write_devkit(root, labels_of_test=True):
    (root / "devkit").mkdir(parents=True)
    save_names(root / "devkit" / "cars_meta.mat")
    for test, folder, file in (
        (0, "cars_train", "devkit/cars_train_annos.mat"),
        (1, "cars_test", "cars_test_annos_withlabels.mat"),
    ):
        rows = [(*box, label, name) for name, label, of_test, box in CARS if of_test == test]
        for *_, name in rows:
            save_picture(root / folder / name)
        if not test or labels_of_test:
            fields = [*CORNERS, "class", "fname"]
            savemat(root / file, {"annotations": structure(fields, rows)})
    return root


def source(root, **data) -> StanfordCarsSource:
    settings = {"dataset": "stanford_cars", "subset": True, "fine_classes": 2, "super_classes": 1}
    return StanfordCarsSource.from_settings(str(root), {**settings, **data})


@pytest.mark.parametrize("write", [write_together, write_devkit])
def test_records_of_both_layouts(tmp_path, write):
    one = source(write(tmp_path / "cars"))
    assert one.class_names == NAMES
    # The paper's 8,144 images are the training split.
    train, evaluation = one.references("train"), one.references("eval")
    assert [image.label for image in train] == [0, 1]
    assert [image.label for image in evaluation] == [0, 1]
    everything = source(tmp_path / "cars", training_images="all").references("train")
    assert len(everything) == 4
    second = one.read(train[1])
    # Corners count from 1 and both belong to the box.
    np.testing.assert_array_equal(second.features[keys.BOX_XYWH], [2, 4, 10, 10])
    assert second.features[keys.CLASS_TEXT] == b"Acura RL Sedan 2012"
    assert second.key.endswith("000002.jpg")
    assert one.read(train[0]).conversions == ()
    assert one.read(evaluation[0]).conversions == ("box_clipped",)


def test_class_counts_come_from_the_configuration():
    config = BoxedImageDataConfig(dataset="stanford_cars")
    assert (config.num_super_classes, config.num_fine_classes) == (20, 196)
    assert not config.trains_on_all
    dogs = BoxedImageDataConfig(dataset="stanford_dogs", super_classes=6)
    assert (dogs.num_super_classes, dogs.num_fine_classes) == (6, 120)
    birds = BoxedImageDataConfig()
    assert (birds.num_super_classes, birds.num_fine_classes) == (20, 200)
    assert birds.trains_on_all


def test_test_images_without_classes_are_refused(tmp_path):
    write_devkit(tmp_path / "cars", labels_of_test=False)
    with pytest.raises(DataError, match="no annotations") as caught:
        source(tmp_path / "cars").references("train")
    assert "cars_test_annos_withlabels.mat" in caught.value.fix


@pytest.mark.parametrize("keep", [0, 100, 300])
def test_truncated_annotations_are_named(tmp_path, keep):
    path = write_together(tmp_path / "cars") / "cars_annos.mat"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cars_annos.mat cannot be read as a MATLAB file"):
        source(tmp_path / "cars").references("train")


@pytest.mark.parametrize(
    ("car", "message"),
    [
        (("000009.jpg", 3, 0, (1, 1, 5, 5)), r"entry 5 of .*000009.jpg\) has a class without"),
        (("000009.jpg", 1.5, 0, (1, 1, 5, 5)), r"entry 5 of .*cannot be read"),
        (("000009.jpg", 1, 0, (1, "a", 5, 5)), r"entry 5 of .*cannot be read"),
        (("000001.jpg", 1, 0, (1, 1, 5, 5)), r"000001.jpg is listed twice"),
    ],
)
def test_damaged_entry_is_named(tmp_path, car, message):
    with pytest.raises(DataError, match=message):
        source(write_together(tmp_path / "cars", [*CARS, car])).references("train")


def test_missing_field_is_named(tmp_path):
    fields = ("path", *CORNERS, "class", "test")
    with pytest.raises(DataError, match="lacks the field `relative_im_path`"):
        source(write_together(tmp_path / "cars", fields=fields)).references("train")


def test_missing_image_and_empty_box_are_rejected_by_name(tmp_path):
    root = write_together(tmp_path / "cars", [*CARS, ("000005.jpg", 1, 0, (9, 9, 8, 20))])
    (root / "car_ims" / "000001.jpg").unlink()
    one = source(root)
    reasons = {}
    for image in one.references("train"):
        try:
            one.read(image)
        except RecordError as error:
            assert image.name in error.what
            reasons[image.name] = error.reason
    assert reasons == {
        "car_ims/000001.jpg": "missing_image",
        "car_ims/000005.jpg": "degenerate_box",
    }


def test_fewer_classes_than_configured_are_refused(tmp_path):
    with pytest.raises(DataError, match="fewer classes than configured"):
        source(write_together(tmp_path / "cars"), fine_classes=3).references("train")
    with pytest.raises(DataError, match="official number of classes"):
        source(tmp_path / "cars", subset=False).references("train")
