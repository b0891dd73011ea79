"""Tiny ImageNet's official layout, and disagreements between its lists and its files."""

import pytest
from PIL import Image

from components.errors import DataError
from components.example_gens import labelled_image_features as keys
from components.example_gens.record_source import RecordError
from components.example_gens.tiny_imagenet_source import TinyImageNetSource

# Not sorted, as the official list.
SYNSETS = ["n02124075", "n01443537", "n09256479"]


def save(path, size=(64, 64), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 120 if mode == "L" else (120, 10, 30)).save(path)


def write(root):
    root.mkdir(exist_ok=True)
    (root / "wnids.txt").write_text("\n".join(SYNSETS))
    (root / "words.txt").write_text("n01443537\tgoldfish, Carassius auratus\nn00001740\tentity\n")
    for synset in SYNSETS:
        for number in range(2):
            save(root / "train" / synset / "images" / f"{synset}_{number}.JPEG")
        (root / "train" / synset / f"{synset}_boxes.txt").touch()
    lines = []
    for number, synset in enumerate([SYNSETS[2], SYNSETS[0]]):
        save(root / "val" / "images" / f"val_{number}.JPEG")
        lines.append(f"val_{number}.JPEG\t{synset}\t0\t32\t44\t62\n")
    (root / "val" / "val_annotations.txt").write_text("".join(lines))
    return root


def source(root, **data) -> TinyImageNetSource:
    settings = {"dataset": "tiny_imagenet", "subset": True, "image_size": 64, **data}
    return TinyImageNetSource.from_settings(str(root), settings)


def test_records_of_both_splits(tmp_path):
    one = source(write(tmp_path))
    train, validation = one.references("train"), one.references("eval")
    # Numbered by sorted synset.
    assert [reference.label for reference in train] == [0, 0, 1, 1, 2, 2]
    assert [reference.label for reference in validation] == [2, 1]
    first = one.read(train[0])
    assert first.key == "train/n01443537/images/n01443537_0.JPEG"
    assert first.features[keys.CLASS_TEXT] == b"goldfish, Carassius auratus"
    assert first.features[keys.IMAGE_ENCODED] == (tmp_path / first.key).read_bytes()
    assert one.read(validation[0]).features[keys.CLASS_TEXT] == b"n09256479"


def test_gray_pictures_are_counted(tmp_path):
    save(write(tmp_path) / "val" / "images" / "val_0.JPEG", mode="L")
    one = source(tmp_path)
    assert one.read(one.references("eval")[0]).conversions == ("gray_to_colour",)


def test_picture_of_another_size_is_rejected(tmp_path):
    save(write(tmp_path) / "val" / "images" / "val_1.JPEG", size=(64, 63))
    one = source(tmp_path)
    with pytest.raises(RecordError) as caught:
        one.read(one.references("eval")[1])
    assert (caught.value.reason, caught.value.found) == ("image_size", "64 x 63 pixels")


def test_empty_class_folder_is_refused(tmp_path):
    for path in (write(tmp_path) / "train" / SYNSETS[0] / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"n02124075.images is empty"):
        source(tmp_path).references("train")


def test_missing_class_folder_is_refused(tmp_path):
    write(tmp_path)
    (tmp_path / "train" / SYNSETS[0]).rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=f"no file or folder at .*{SYNSETS[0]}"):
        source(tmp_path).references("train")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("val_9.JPEG\tn01443537\t0\t0\t1\t1\n", "not there"),
        ("val_0.JPEG\tn01443537\t0\t0\t1\t1\n", "twice"),
        ("val_2.JPEG\tn99999999\t0\t0\t1\t1\n", "line 3 of .* names no class"),
        ("val_2.JPEG n01443537\n", "line 3 of .* names no class"),
    ],
)
def test_annotations_that_disagree_with_the_files_are_refused(tmp_path, line, message):
    path = write(tmp_path) / "val" / "val_annotations.txt"
    path.write_text(path.read_text() + line)
    with pytest.raises(DataError, match=message):
        source(tmp_path).references("eval")


def test_picture_without_annotation_is_refused(tmp_path):
    save(write(tmp_path) / "val" / "images" / "val_7.JPEG")
    with pytest.raises(DataError, match="without a label") as caught:
        source(tmp_path).references("eval")
    assert "val_7.JPEG" in caught.value.found


def test_list_that_is_not_of_synsets_is_refused(tmp_path):
    (write(tmp_path) / "wnids.txt").write_text("goldfish\n")
    with pytest.raises(DataError, match="does not list synsets"):
        source(tmp_path).references("train")


def test_official_numbers_are_required_without_subset(tmp_path):
    with pytest.raises(DataError, match="official number of classes"):
        source(write(tmp_path), subset=False).references("train")


def test_fingerprint_follows_the_lists_and_sizes(tmp_path):
    before = source(write(tmp_path)).fingerprint()
    save(tmp_path / "val" / "images" / "val_0.JPEG", mode="L")
    resized = source(tmp_path).fingerprint()
    (tmp_path / "words.txt").write_text("n01443537\tfish\n")
    assert len({before, resized, source(tmp_path).fingerprint()}) == 3


@pytest.mark.realdata
def test_real_pictures(shared_dir):
    one = source(shared_dir / "data" / "tiny-imagenet-200")
    train, validation = one.references("train"), one.references("eval")
    assert (len(train), len(validation)) == (800, 400)
    assert {reference.label for reference in train} == set(range(200))
    records = [one.read(reference) for reference in validation]
    gray = sum("gray_to_colour" in record.conversions for record in records)
    assert 0 < gray < 20
    assert {record.conversions for record in records} <= {(), ("gray_to_colour",)}
