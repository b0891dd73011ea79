"""ImageNet's two ways of naming validation classes, its known odd files, and what is refused."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from components.errors import ConfigError, DataError
from components.example_gens import labelled_image_features as keys
from components.example_gens.imagenet_source import DEVKIT_FOLDER, ImageNetSource
from components.example_gens.record_source import RecordError

SYNSETS = ["n01440764", "n01443537", "n02105855"]
# ILSVRC2012 ids are in another order than the synsets.
IDS = {SYNSETS[2]: 1, SYNSETS[0]: 2, SYNSETS[1]: 3}


def save(path, size=(20, 16), mode="RGB", format="JPEG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, tuple([90] * len(mode)) if len(mode) > 1 else 90).save(path, format)


def write(root, validation=(2, 3, 1)):
    for synset in SYNSETS:
        for number in (10, 9):
            save(root / "train" / synset / f"{synset}_{number}.JPEG")
    for number in range(1, len(validation) + 1):
        save(root / "val" / f"ILSVRC2012_val_{number:08d}.JPEG", size=(30, 40))
    devkit = root / DEVKIT_FOLDER
    devkit.mkdir(parents=True)
    (devkit / "ILSVRC2012_validation_ground_truth.txt").write_text(
        "".join(f"{one}\n" for one in validation)
    )
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")]
    rows = [(number, synset, f"name of {synset}", 0) for synset, number in IDS.items()]
    synsets = np.array([*rows, (4, "n00001740", "entity", 2)], dtype=fields)
    savemat(devkit / "meta.mat", {"synsets": synsets[:, None]})
    return root


def source(root, **data) -> ImageNetSource:
    return ImageNetSource.from_settings(
        str(root), {"dataset": "imagenet", "subset": True, "image_size": 224, **data}
    )


def read_one(root, name):
    one = source(root)
    (reference,) = [r for r in one.references("train") if r.path.endswith(name)]
    return one.read(reference)


def test_training_classes_are_numbered_by_their_synsets(tmp_path):
    one = source(write(tmp_path))
    references = one.references("train")
    assert [reference.label for reference in references] == [0, 0, 1, 1, 2, 2]
    assert references[0].path == "train/n01440764/n01440764_9.JPEG"
    record = one.read(references[-1])
    assert record.features[keys.CLASS_TEXT] == b"name of n02105855"
    assert record.features[keys.IMAGE_ENCODED] == (tmp_path / references[-1].path).read_bytes()
    assert (record.features[keys.IMAGE_HEIGHT], record.features[keys.IMAGE_WIDTH]) == (16, 20)
    assert record.conversions == ()


def test_ground_truth_ids_are_translated_to_labels(tmp_path):
    references = source(write(tmp_path, validation=(2, 3, 1, 1))).references("eval")
    assert [reference.label for reference in references] == [0, 1, 2, 2]
    assert references[0].path == "val/ILSVRC2012_val_00000001.JPEG"


def test_sorted_validation_folders_give_the_same_labels(tmp_path):
    root = write(tmp_path)
    for number, synset in enumerate(SYNSETS, start=1):
        name = f"ILSVRC2012_val_{number:08d}.JPEG"
        (root / "val" / synset).mkdir()
        (root / "val" / name).rename(root / "val" / synset / name)
    assert [reference.label for reference in source(root).references("eval")] == [0, 1, 2]


def test_png_named_jpeg_is_counted_and_keeps_its_bytes(tmp_path):
    path = write(tmp_path) / "train" / SYNSETS[2] / "n02105855_2933.JPEG"
    save(path, format="PNG")
    record = read_one(tmp_path, "_2933.JPEG")
    assert record.conversions == ("png_named_jpeg",)
    assert record.features[keys.IMAGE_ENCODED] == path.read_bytes()


def test_cmyk_is_converted_and_counted(tmp_path):
    save(write(tmp_path) / "train" / SYNSETS[0] / "n01440764_77.JPEG", mode="CMYK")
    record = read_one(tmp_path, "_77.JPEG")
    assert record.conversions == ("cmyk_to_rgb", "reencoded_as_png")
    image = Image.open(io.BytesIO(record.features[keys.IMAGE_ENCODED]))
    assert (image.mode, image.format, image.size) == ("RGB", "PNG", (20, 16))


def test_gray_is_counted_and_keeps_its_bytes(tmp_path):
    save(write(tmp_path) / "train" / SYNSETS[0] / "n01440764_78.JPEG", mode="L")
    record = read_one(tmp_path, "_78.JPEG")
    assert record.conversions == ("gray_to_colour",)
    assert record.features[keys.IMAGE_CHANNELS] == 1


def test_empty_class_folder_is_refused(tmp_path):
    folder = write(tmp_path) / "train" / "n03000000"
    folder.mkdir()
    (folder / "notes.txt").touch()
    with pytest.raises(DataError, match="n03000000 is empty") as caught:
        source(tmp_path).references("train")
    assert caught.value.found == "1 files, none of them a picture"


def test_picture_in_the_folder_of_another_class_is_rejected(tmp_path):
    save(write(tmp_path) / "train" / SYNSETS[0] / "n02105855_5.JPEG")
    with pytest.raises(RecordError) as caught:
        read_one(tmp_path, "n02105855_5.JPEG")
    assert caught.value.reason == "wrong_class_folder"


def test_truncated_picture_is_rejected(tmp_path):
    path = write(tmp_path) / "train" / SYNSETS[0] / "n01440764_9.JPEG"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(RecordError, match=r"n01440764_9\.JPEG"):
        read_one(tmp_path, "n01440764_9.JPEG")


def test_official_numbers_are_required_without_subset(tmp_path):
    with pytest.raises(DataError, match="official number of classes") as caught:
        source(write(tmp_path), subset=False).references("train")
    assert caught.value.found == "3 classes"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("ILSVRC2012_validation_ground_truth.txt", b"2\n3\n", "says nothing about"),
        ("ILSVRC2012_validation_ground_truth.txt", b"2\n3\n999\n", "line 3 says 999"),
        ("ILSVRC2012_validation_ground_truth.txt", b"2\ncat\n1\n", "line 2 of .* is no class id"),
        ("meta.mat", b"<html>404</html>", r"not the development kit's meta\.mat"),
    ],
)
def test_broken_development_kit_is_refused(tmp_path, file, content, message):
    (write(tmp_path) / DEVKIT_FOLDER / file).write_bytes(content)
    with pytest.raises(DataError, match=message):
        source(tmp_path).references("eval")


def test_missing_ground_truth_is_refused(tmp_path):
    (write(tmp_path) / DEVKIT_FOLDER / "ILSVRC2012_validation_ground_truth.txt").unlink()
    with pytest.raises(DataError, match="labels of the validation pictures"):
        source(tmp_path).references("eval")


def test_validation_class_without_training_pictures_is_refused(tmp_path):
    for path in (write(tmp_path) / "train" / SYNSETS[1]).iterdir():
        path.unlink()
    (tmp_path / "train" / SYNSETS[1]).rmdir()
    with pytest.raises(DataError, match="without training pictures") as caught:
        source(tmp_path).references("eval")
    assert caught.value.found == SYNSETS[1]


def test_fingerprint_follows_sizes_and_labels(tmp_path):
    before = source(write(tmp_path)).fingerprint()
    assert source(tmp_path).fingerprint() == before
    truth = tmp_path / DEVKIT_FOLDER / "ILSVRC2012_validation_ground_truth.txt"
    truth.write_text("2\n3\n2\n")
    relabelled = source(tmp_path).fingerprint()
    save(tmp_path / "train" / SYNSETS[0] / "n01440764_9.JPEG", size=(50, 60))
    assert len({before, relabelled, source(tmp_path).fingerprint()}) == 3


def test_settings_of_another_data_set_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"this reads data\.dataset=imagenet"):
        source(tmp_path, dataset="cifar10")
