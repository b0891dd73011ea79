"""Shards: every record is written or accounted for, in order, and always as the same bytes."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from components.example_gens.record_source import Record, RecordError, RecordSource, augment_seed
from components.example_gens.record_writer import Shard, cut_into_shards, serialize, write_shard
from components.example_gens.split_files import read_records


class Numbers(RecordSource):
    """Records 0, 1, 2, …; negative ones are faulty."""

    SPLITS = ("train", "eval")

    @classmethod
    def from_settings(cls, data_root, settings):
        return cls()

    def fingerprint(self):
        return ""

    def references(self, split):
        return range(5)

    def key(self, reference):
        return f"number {reference}"

    def read(self, reference):
        if reference < 0:
            raise RecordError(
                "negative", f"{reference} is negative", found=reference, fix="drop it"
            )
        conversions = ("rounded",) if reference % 2 else ()
        return Record(self.key(reference), {"value": reference}, conversions)


def values_in(path) -> list[int]:
    examples = [tf.train.Example.FromString(one.numpy()) for one in read_records([str(path)])]
    return [example.features.feature["value"].int64_list.value[0] for example in examples]


def test_shards_cover_each_split_in_order():
    shards = cut_into_shards({"train": range(5), "eval": range(2)}, 2)
    assert [(s.split, s.index, s.num_shards, s.records_before, s.references) for s in shards] == [
        ("train", 0, 3, 0, (0, 1)),
        ("train", 1, 3, 2, (2, 3)),
        ("train", 2, 3, 4, (4,)),
        ("eval", 0, 1, 5, (0, 1)),
    ]
    assert shards[1].file_name == "data_tfrecord-00001-of-00003.gz"


def test_good_records_are_written_and_faulty_ones_listed(tmp_path):
    shard = Shard("train", 0, 1, 0, (3, -1, 4))
    summary = write_shard(Numbers(), shard, str(tmp_path))
    assert values_in(tmp_path / shard.file_name) == [3, 4]
    assert summary == {
        "split": "train",
        "written": 2,
        "conversions": {"rounded": 1},
        "rejects": [
            {
                "key": "number -1",
                "reason": "negative",
                "what": "-1 is negative",
                "found": "-1",
                "expected": None,
                "fix": "drop it",
            }
        ],
    }


def test_a_second_try_writes_the_same_bytes(tmp_path):
    shard = Shard("train", 0, 1, 0, tuple(range(100)))
    contents = []
    for _ in range(2):
        write_shard(Numbers(), shard, str(tmp_path))
        contents.append((tmp_path / shard.file_name).read_bytes())
    assert contents[0] == contents[1]


def test_a_fault_of_the_program_is_not_a_rejected_record(tmp_path):
    with pytest.raises(TypeError):
        write_shard(Numbers(), Shard("train", 0, 1, 0, ("three",)), str(tmp_path))


def test_progress_counts_the_shards_before(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="papergarden.progress"):
        write_shard(Numbers(), Shard("train", 1, 2, 10, (0, 1, 2)), str(tmp_path))
    assert [record.progress for record in caplog.records] == [{"records": 13}]


def test_example_holds_every_kind_of_value_and_the_seed():
    record = Record(
        "a",
        {
            "bytes": b"x",
            "empty": b"",
            "int": 3,
            "ints": [1, 2],
            "floats": np.array([0.5, 1.5], np.float32),
            "array": np.array([[1, 2], [3, 4]]),
            "names": [b"x", b"y"],
        },
    )
    features = tf.train.Example.FromString(serialize(record)).features.feature
    assert features["bytes"].bytes_list.value == [b"x"]
    assert features["empty"].bytes_list.value == [b""]
    assert features["int"].int64_list.value == [3]
    assert features["ints"].int64_list.value == [1, 2]
    assert features["floats"].float_list.value == [0.5, 1.5]
    assert features["array"].int64_list.value == [1, 2, 3, 4]
    assert features["names"].bytes_list.value == [b"x", b"y"]
    assert features["augment/seed"].int64_list.value == list(augment_seed("a"))


@pytest.mark.parametrize("value", ["text", None, ["text"], np.array(["text"])])
def test_value_of_another_kind_is_refused(value):
    with pytest.raises(TypeError):
        serialize(Record("a", {"feature": value}))
