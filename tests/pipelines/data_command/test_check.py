"""`papergarden data check`: whole, partial, damaged and unknown data sets."""

import json
import shutil
import subprocess
import sys

import pytest

from components.example_gens.digits_as_cifar import write_digits_as_cifar
from pipelines import cli
from pipelines.datasets import recognise

FOLDER = "cifar-10-batches-bin"
RECORD = 3073


@pytest.fixture
def digits(tmp_path):
    return write_digits_as_cifar(tmp_path / "digits") / FOLDER


@pytest.fixture
def check(capsys):
    """Runs `data check`; gives (exit code, standard output and errors)."""

    def run(*words):
        code = cli.main(["data", "check", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out + ("" if "--json" in words else captured.err)

    return run


def test_sound_set_is_counted(check, digits):
    code, said = check(digits)
    assert code == 0
    assert "layout    CIFAR-10, binary version" in said
    assert "train     1,500 records; officially 50,000" in said
    assert "10 of 10 classes, from 146 (eight) to 153 (three) records" in said
    assert "verdict   sound: every record can be used; it is a subset" in said


def test_folder_above_is_recognised_too(check, digits):
    assert check(digits.parent)[0] == 0


def test_json_has_every_count(check, digits):
    code, said = check(digits, "--json")
    found = json.loads(said)
    assert code == 0
    assert (found["dataset"], found["sound"], found["whole"]) == ("cifar10", True, False)
    assert found["splits"]["eval"]["listed"] == 297
    assert found["splits"]["eval"]["official"] == 10_000
    assert sum(found["splits"]["eval"]["classes"].values()) == 297


def test_records_that_cannot_be_used_are_listed_by_reason(check, digits):
    batch = digits / "data_batch_2.bin"
    content = bytearray(batch.read_bytes())
    for position in (0, 7, 8, 200):
        content[position * RECORD] = 77
    batch.write_bytes(content)
    code, said = check(digits)
    assert code == 1
    assert "train     1,496 records of 1,500; officially 50,000" in said
    assert "4 label_out_of_range" in said
    assert "record 7 of data_batch_2 has a label without a class (found 77)" in said
    assert "… and 1 more" in said
    assert "verdict   not sound: 4 records cannot be used" in said
    assert "papergarden run" not in said


def test_split_that_cannot_be_listed_leaves_the_other(check, digits):
    (digits / "test_batch.bin").unlink()
    code, said = check(digits)
    assert code == 1
    assert "train     1,500 records" in said
    assert "eval      cannot be read" in said
    assert "missing: test_batch.bin" in said
    _, said = check(digits, "--json")
    assert "missing: test_batch.bin" in json.loads(said)["splits"]["eval"]["fault"]


def test_truncated_batch_is_a_fault(check, digits):
    batch = digits / "data_batch_1.bin"
    batch.write_bytes(batch.read_bytes()[:-5])
    code, said = check(digits)
    assert code == 1
    assert "train     cannot be read" in said
    assert "299 whole records and 3068 bytes more" in said


def test_unknown_layout_names_the_known_ones(check, tmp_path):
    (tmp_path / "notes.txt").touch()
    code, said = check(tmp_path)
    assert code == 1
    assert "found:    notes.txt" in said
    for name in ("cifar10-python", "tiny-imagenet", "imagenet", "wnids.txt", "test_batch"):
        assert name in said


def test_set_one_folder_deeper_is_pointed_at(check, digits):
    digits.rename(digits.parent / "here")
    code, said = check(digits.parent)
    assert code == 1
    assert f"papergarden data check {digits.parent / 'here'}" in said


def test_set_that_is_not_recognised_may_be_named(check, tmp_path):
    (tmp_path / "train").mkdir()
    code, said = check(tmp_path, "--dataset", "imagenet")
    assert code == 1
    assert "0 classes" in said
    assert check(tmp_path, "--dataset", "mnist")[0] == 2


@pytest.mark.parametrize(("make", "found"), [(True, "a file"), (False, "nothing")])
def test_path_that_is_no_folder_is_refused(check, tmp_path, make, found):
    path = tmp_path / "cifar-10-binary.tar.gz"
    if make:
        path.touch()
    code, said = check(path)
    assert code == 1
    assert f"found:    {found}" in said


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["data_batch_1.bin"], "cifar10"),
        (["cifar-10-batches-bin/test_batch.bin"], "cifar10"),
        (["data_batch_3"], "cifar10-python"),
        (["cifar-10-batches-py/test_batch"], "cifar10-python"),
        (["wnids.txt", "train/n01443537/images/a.JPEG"], "tiny-imagenet"),
        (["train/n01443537/a.JPEG"], "imagenet"),
        (["images.txt", "bounding_boxes.txt"], "cub"),
        (["train/cats/a.JPEG"], None),
        ([], None),
    ],
)
def test_layouts_are_told_apart(tmp_path, files, name):
    for file in files:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert recognise(str(tmp_path)) == name


def test_check_of_cifar_imports_nothing_heavy(digits):
    code = (
        "import sys; from pipelines import cli\n"
        f"cli.main(['data', 'check', {str(digits)!r}])\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'ml_metadata', 'kfp', 'keras'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("HEAVY []")


@pytest.mark.realdata
def test_real_cifar_records(check, shared_dir, tmp_path):
    folder = shared_dir / "data" / "cifar-10-lossless-subset"
    code, said = check(folder)
    assert code == 0
    assert "train     4,000 records; officially 50,000" in said
    assert "from 366 (automobile) to 422 (deer) records" in said
    copy = shutil.copytree(folder / FOLDER, tmp_path / FOLDER)
    with (copy / "test_batch.bin").open("r+b") as batch:
        batch.seek(10 * RECORD)
        batch.write(b"\x0a")
    code, said = check(copy)
    assert code == 1
    assert "record 10 of test_batch has a label without a class (found 10)" in said


@pytest.mark.realdata
def test_real_tiny_imagenet(check, shared_dir, tmp_path):
    folder = shutil.copytree(shared_dir / "data" / "tiny-imagenet-200", tmp_path / "tiny")
    code, said = check(folder)
    assert code == 0
    assert "train     800 records; officially 100,000" in said
    assert "200 of 200 classes, 4 records each" in said
    assert "converted 26 gray_to_colour" in said
    first, second = sorted((folder / "val" / "images").iterdir())[:2]
    first.write_bytes(first.read_bytes()[:-400])
    second.write_bytes(b"<html><title>Not found</title>")
    code, said = check(folder)
    assert code == 1
    assert "eval      398 records of 400" in said
    assert "1 truncated_or_damaged" in said
    assert "1 not_a_picture" in said
    assert second.name in said


@pytest.mark.realdata
def test_real_birds(check, shared_dir):
    code, said = check(shared_dir / "data" / "CUB_200_2011")
    assert code == 0
    assert "20 of 200 classes, 30 records each" in said
