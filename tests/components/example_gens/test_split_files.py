"""Counting records between stages; a truncated file is named."""

import json

import pytest
import tensorflow as tf

from components.errors import DataError
from components.example_gens import split_files


@pytest.fixture
def examples(tmp_path):
    """An Examples artifact with 30 records of incompressible bytes in two files."""
    folder = tmp_path / "Split-train"
    folder.mkdir()
    generator = tf.random.Generator.from_seed(0)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    for index in range(2):
        path = folder / f"data_tfrecord-0000{index}-of-00002.gz"
        with tf.io.TFRecordWriter(str(path), options) as writer:
            for _ in range(15):
                numbers = generator.uniform_full_int([500], tf.int64)
                writer.write(numbers.numpy().tobytes())
    counts = {"splits": {"train": {"listed": 31, "written": 30, "rejected": 1}}}
    (tmp_path / "counts.json").write_text(json.dumps(counts))
    return tmp_path


def test_records_are_counted_and_agree_with_the_accounts(examples):
    assert split_files.count_records(str(examples), "train") == 30
    assert split_files.expected_records(str(examples), "train") == 30
    split_files.check_record_count(str(examples), "train", 30, "Trainer")


@pytest.mark.faults
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_truncated_file_is_named(examples, kept):
    path = examples / "Split-train" / "data_tfrecord-00001-of-00002.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DataError, match=r"data_tfrecord-00001-of-00002\.gz|saw another number"):
        split_files.check_record_count(str(examples), "train", 20, "Trainer")
    if kept:
        with pytest.raises(DataError, match=r"data_tfrecord-00001-of-00002\.gz is truncated"):
            split_files.count_records(str(examples), "train")


def test_files_of_a_split_are_checked_before_use(examples):
    files = split_files.split_files(str(examples), "train")
    assert split_files.check_split_files(files, "Trainer") == 30
    with pytest.raises(DataError, match="Trainer saw another number"):
        split_files.check_split_files(files[:1], "Trainer")
    with pytest.raises(DataError, match="no TFRecord file"):
        split_files.check_split_files([], "Trainer")


def test_other_number_names_the_stage_and_both_numbers(examples):
    with pytest.raises(DataError, match="Evaluator saw another number") as caught:
        split_files.check_record_count(str(examples), "train", 29, "Evaluator")
    assert caught.value.found == "29 records"
    assert caught.value.expected.startswith("30 records")


def test_split_without_files_is_refused(examples):
    with pytest.raises(DataError, match="`eval` has no records"):
        split_files.split_files(str(examples), "eval")


@pytest.mark.parametrize("content", [None, "", "{}", "not json"])
def test_missing_counts_are_explained(examples, content):
    path = examples / "counts.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=r"counts\.json does not tell"):
        split_files.expected_records(str(examples), "train")
