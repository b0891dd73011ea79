"""Files and folders of every task become records; what does not fit the task is refused."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from components.errors import DataError
from components.example_gens import signal_features as keys
from components.example_gens.record_source import RecordError, augment_seed
from components.example_gens.signal_source import SignalSource


def save(path, size=(12, 8), mode="RGB", value=100):
    colour = value if mode == "L" else (value, 50, 0)
    Image.new(mode, size, colour).save(path)
    return path


def source(root, task, **data) -> SignalSource:
    return SignalSource.from_settings(str(root), {"task": task, "height": 8, "width": 8, **data})


def records(one: SignalSource, split="train"):
    return [one.read(reference) for reference in one.references(split)]


@pytest.mark.parametrize("task", ["image", "poisson_gradient", "poisson_laplacian"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_picture_from_a_file_or_a_folder(tmp_path, task, as_folder):
    path = save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (record,) = records(source(tmp_path if as_folder else path, task))
    assert record.key == "a.png"
    assert record.conversions == ()
    assert record.features == {
        keys.IMAGE_ENCODED: path.read_bytes(),
        keys.IMAGE_HEIGHT: 8,
        keys.IMAGE_WIDTH: 12,
        keys.IMAGE_CHANNELS: 3,
        keys.IMAGE_ID: b"a.png",
        keys.FRAME_INDEX: 0,
        keys.FRAME_COUNT: 1,
    }


def test_both_splits_hold_the_same_records(tmp_path):
    one = source(save(tmp_path / "a.png"), "image")
    assert records(one, "train") == records(one, "eval")


@pytest.mark.parametrize(
    ("mode", "channels", "counted"),
    [("RGB", 1, ("colour_to_gray",)), ("L", 3, ("gray_to_colour",)), ("L", 1, ())],
)
def test_conversion_of_channels_is_counted(tmp_path, mode, channels, counted):
    one = source(save(tmp_path / "a.png", mode=mode), "image", channels=channels)
    assert records(one)[0].conversions == counted


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], "an empty folder"),
        (["a.txt"], "1 files, none with a known suffix: a.txt"),
        (["a.png", "b.JPG"], "2 files: a.png, b.JPG"),
    ],
)
def test_folder_without_exactly_one_picture_is_refused(tmp_path, files, found):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="task=image cannot use") as caught:
        source(tmp_path, "image").references("train")
    assert caught.value.found == found
    assert "exactly one" in caught.value.expected


def test_missing_data_root_is_refused(tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        source(tmp_path / "nowhere", "image").fingerprint()


def test_inpainting_without_a_mask_leaves_it_to_be_drawn(tmp_path):
    (record,) = records(source(save(tmp_path / "a.png"), "inpainting"))
    assert record.features[keys.MASK_ENCODED] == b""


@pytest.mark.parametrize("as_folder", [True, False])
def test_inpainting_reads_the_mask_beside_the_picture(tmp_path, as_folder):
    path = save(tmp_path / "a.png")
    save(tmp_path / "mask.png", mode="L", value=255)
    (record,) = records(source(tmp_path if as_folder else path, "inpainting", mask="mask.png"))
    assert record.features[keys.MASK_ENCODED].startswith(b"\x89PNG")
    assert record.key == "a.png"


def test_missing_mask_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"mask\.png"):
        source(save(tmp_path / "a.png"), "inpainting", mask="mask.png").fingerprint()


def test_changed_mask_changes_the_fingerprint(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "mask.png", mode="L", value=255)
    one = source(tmp_path, "inpainting", mask="mask.png")
    before = one.fingerprint()
    save(tmp_path / "mask.png", mode="L", value=200)
    assert one.fingerprint() != before


def test_editing_takes_two_pictures_sorted_by_name(tmp_path):
    second = save(tmp_path / "b.png", size=(30, 20), mode="L")
    first = save(tmp_path / "a.png")
    (record,) = records(source(tmp_path, "poisson_editing"))
    assert record.features[keys.IMAGE_ENCODED] == first.read_bytes()
    assert record.features[keys.SECOND_ENCODED] == second.read_bytes()
    assert record.key == "a.png+b.png"
    assert record.conversions == ("gray_to_colour",)


@pytest.mark.parametrize("names", [["a.png"], ["a.png", "b.png", "c.png"]])
def test_editing_with_another_number_of_pictures_is_refused(tmp_path, names):
    for name in names:
        save(tmp_path / name)
    with pytest.raises(DataError, match="poisson_editing") as caught:
        source(tmp_path, "poisson_editing").references("train")
    assert "exactly two" in caught.value.expected


def test_video_is_a_record_a_frame_in_natural_order(tmp_path):
    for index in (10, 2, 1):
        save(tmp_path / f"frame{index}.png", value=index)
    found = records(source(tmp_path, "video"))
    assert [record.key for record in found] == ["frame1.png", "frame2.png", "frame10.png"]
    assert [record.features[keys.FRAME_INDEX] for record in found] == [0, 1, 2]
    assert {record.features[keys.FRAME_COUNT] for record in found} == {3}


def test_frame_of_another_size_is_refused(tmp_path):
    save(tmp_path / "1.png")
    save(tmp_path / "2.png", size=(13, 8))
    one = source(tmp_path, "video")
    first, second = one.references("train")
    one.read(first)
    with pytest.raises(RecordError, match=r"2\.png has another size") as caught:
        one.read(second)
    assert caught.value.reason == "frame_size"
    assert caught.value.found == "13 x 8 pixels"


@pytest.mark.parametrize("task", ["video", "poisson_editing"])
def test_file_where_a_folder_is_needed_is_refused(tmp_path, task):
    with pytest.raises(DataError, match="cannot use") as caught:
        source(save(tmp_path / "a.png"), task).references("train")
    assert "a folder with" in caught.value.expected


def test_sound_from_a_folder(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([[100, 300], [0, -200]], np.int16))
    (record,) = records(source(tmp_path, "audio"))
    np.testing.assert_allclose(record.features[keys.AUDIO_SAMPLES] * 2**15, [200, -100])
    assert record.features[keys.AUDIO_CHANNELS] == 2
    assert record.conversions == ("channels_averaged",)


def test_seed_belongs_to_the_record_not_to_its_place():
    assert augment_seed("a.png") == augment_seed("a.png")
    assert augment_seed("a.png") != augment_seed("b.png")
    assert all(-(2**63) <= part < 2**63 for part in augment_seed("a.png"))


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["camera", "chelsea", "coffee", "coins", "moon"])
def test_real_pictures_are_read(shared_dir, name):
    path = shared_dir / "data" / "siren" / "skimage_data" / f"{name}.png"
    (record,) = records(source(path, "image"))
    assert record.features[keys.IMAGE_HEIGHT] >= 300
