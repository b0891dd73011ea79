"""CIFAR-10 in both layouts gives the same records; what is broken is refused by name."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from components.errors import ConfigError, DataError
from components.example_gens import labelled_image_features as keys
from components.example_gens.cifar_source import CifarSource
from components.example_gens.digits_as_cifar import write_digits_as_cifar
from components.example_gens.record_source import RecordError

NAMES = [f"class{n}" for n in range(10)]
BATCHES = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]


def contents(batch: str, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """(`[count]` labels, `[count, 3072]` pixels), the same for a name every time."""
    random = np.random.default_rng(BATCHES.index(batch))
    return random.integers(0, 10, count, np.uint8), random.integers(0, 256, (count, 3072), np.uint8)


def write_binary(folder, count=3, batches=BATCHES):
    folder.mkdir(parents=True, exist_ok=True)
    for batch in batches:
        labels, pixels = contents(batch, count)
        (folder / f"{batch}.bin").write_bytes(np.c_[labels, pixels].tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    return folder


def write_python(folder, count=3):
    folder.mkdir(parents=True, exist_ok=True)
    for batch in BATCHES:
        labels, pixels = contents(batch, count)
        save(folder / batch, {b"data": pixels, b"labels": labels.tolist()})
    save(folder / "batches.meta", {b"label_names": [name.encode() for name in NAMES]})
    return folder


def save(path, batch):
    path.write_bytes(pickle.dumps(batch, protocol=2))


def source(root, **data) -> CifarSource:
    return CifarSource.from_settings(str(root), {"subset": True, **data})


def records(one, split="train"):
    return [one.read(reference) for reference in one.references(split)]


def decode(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)))


def test_record_holds_the_pixels_as_png(tmp_path):
    record = records(source(write_binary(tmp_path)))[1]
    labels, pixels = contents("data_batch_1")
    planes = pixels[1].reshape(3, 32, 32)
    assert record.key == "data_batch_1/00001"
    np.testing.assert_array_equal(
        decode(record.features[keys.IMAGE_ENCODED]), np.moveaxis(planes, 0, 2)
    )
    assert record.features[keys.CLASS_LABEL] == labels[1]
    assert record.features[keys.CLASS_TEXT] == NAMES[labels[1]].encode()


def test_both_layouts_give_the_same_records(tmp_path):
    binary = source(write_binary(tmp_path / "a" / "cifar-10-batches-bin").parent)
    python = source(write_python(tmp_path / "b" / "cifar-10-batches-py").parent)
    for split in CifarSource.SPLITS:
        assert records(binary, split) == records(python, split)


def test_official_splits(tmp_path):
    one = source(write_binary(tmp_path))
    assert [r.batch for r in one.references("train")] == [b for b in BATCHES[:5] for _ in range(3)]
    assert [reference.batch for reference in one.references("eval")] == ["test_batch"] * 3


def test_records_may_be_read_in_any_order(tmp_path):
    one = source(write_binary(tmp_path))
    references = one.references("train")
    backwards = [one.read(reference) for reference in reversed(references)]
    assert backwards[::-1] == records(one)


def test_changed_batch_changes_the_fingerprint(tmp_path):
    folder = write_binary(tmp_path)
    before = source(tmp_path).fingerprint()
    assert source(tmp_path).fingerprint() == before
    path = folder / "data_batch_3.bin"
    path.write_bytes(bytes([5]) + path.read_bytes()[1:])
    assert source(tmp_path).fingerprint() != before


@pytest.mark.parametrize("layout", ["binary", "python"])
def test_missing_batch_file_is_refused(tmp_path, layout):
    (write_binary if layout == "binary" else write_python)(tmp_path)
    ending = ".bin" if layout == "binary" else ""
    (tmp_path / f"data_batch_3{ending}").unlink()
    with pytest.raises(DataError, match="lacks batch files") as caught:
        source(tmp_path).references("train")
    assert caught.value.found == f"missing: data_batch_3{ending}"


def test_subset_may_end_early(tmp_path):
    one = source(write_binary(tmp_path, batches=["data_batch_1", "test_batch"]))
    assert len(one.references("train")) == 3
    with pytest.raises(DataError, match="lacks batch files"):
        source(tmp_path, subset=False).references("train")


def test_other_number_of_records_is_refused_without_subset(tmp_path):
    write_binary(tmp_path)
    with pytest.raises(DataError, match="official number") as caught:
        source(tmp_path, subset=False).references("eval")
    assert caught.value.found == "3 records"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (bytes(3073 * 2 + 100), "6,246 bytes: 2 whole records and 100 bytes more"),
        (bytes(3074 * 2), "CIFAR-100"),
        (b"", "empty file"),
        (b"<html><title>404</title>", "HTML page"),
    ],
)
def test_truncated_file_or_wrong_record_length_is_refused(tmp_path, content, found):
    path = write_binary(tmp_path) / "data_batch_2.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data_batch_2\.bin") as caught:
        source(tmp_path).references("train")
    assert found in caught.value.found


@pytest.mark.parametrize("layout", ["binary", "python"])
def test_label_without_a_class_is_a_rejected_record(tmp_path, layout):
    labels, pixels = contents("test_batch")
    labels[1] = 10
    if layout == "binary":
        write_binary(tmp_path)
        (tmp_path / "test_batch.bin").write_bytes(np.c_[labels, pixels].tobytes())
    else:
        write_python(tmp_path)
        save(tmp_path / "test_batch", {b"data": pixels, b"labels": labels.tolist()})
    one = source(tmp_path)
    first, second, third = one.references("eval")
    with pytest.raises(RecordError) as caught:
        one.read(second)
    assert (caught.value.reason, caught.value.found) == ("label_out_of_range", 10)
    assert one.read(first).key and one.read(third).key


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({b"data": np.zeros((2, 48 * 48 * 3), np.uint8), b"labels": [0, 1]}, "another size"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, "one label an image"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [-1]}, "no class number"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"fine_labels": [1]}, "not a batch of CIFAR-10"),
    ],
)
def test_python_batch_of_another_kind_is_refused(tmp_path, batch, message):
    save(write_python(tmp_path) / "test_batch", batch)
    with pytest.raises(DataError, match=message):
        source(tmp_path).references("eval")


def test_other_number_of_class_names_is_refused(tmp_path):
    (write_binary(tmp_path) / "batches.meta.txt").write_text("cat\ndog\n")
    with pytest.raises(DataError, match="does not name the classes"):
        source(tmp_path).references("train")


def test_folder_without_batches_is_refused(tmp_path):
    (tmp_path / "cifar-10-binary.tar.gz").touch()
    with pytest.raises(DataError, match="there is no CIFAR-10") as caught:
        source(tmp_path).fingerprint()
    assert caught.value.found == "cifar-10-binary.tar.gz"


def test_settings_of_another_data_set_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="this reads CIFAR-10"):
        source(tmp_path, dataset="imagenet")
    with pytest.raises(ConfigError, match="unknown setting"):
        source(tmp_path, colour="red")


def test_digits_are_written_in_the_binary_layout(tmp_path):
    one = source(write_digits_as_cifar(tmp_path))
    before = one.fingerprint()
    train, test = records(one), records(one, "eval")
    assert (len(train), len(test)) == (1500, 297)
    assert {record.features[keys.CLASS_LABEL] for record in test} == set(range(10))
    image = decode(train[0].features[keys.IMAGE_ENCODED])
    assert (image.min(), image.max()) == (0, 239)
    np.testing.assert_array_equal(image, image[::4, ::4, :1].repeat(4, 0).repeat(4, 1).repeat(3, 2))
    assert source(write_digits_as_cifar(tmp_path)).fingerprint() == before


@pytest.mark.realdata
def test_real_records(shared_dir):
    one = source(shared_dir / "data" / "cifar-10-lossless-subset")
    assert (len(one.references("train")), len(one.references("eval"))) == (4000, 1000)
    read = records(one, "eval")
    # The official test set begins with a cat and two ships.
    names = [record.features[keys.CLASS_TEXT] for record in read[:3]]
    assert names == [b"cat", b"ship", b"ship"]
    assert np.mean([len(record.features[keys.IMAGE_ENCODED]) for record in read]) < 2500
