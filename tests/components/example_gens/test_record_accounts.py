"""Records in = records out + records rejected, and a run with too many rejected ones fails."""

import pytest

from components.errors import DataError
from components.example_gens.record_accounts import Accounts


class Allowing:
    """Stands for a source; the accounts ask it for the allowed shares alone."""

    def __init__(self, share: float, objects_share: float = 0.0) -> None:
        self.max_rejected_share = share
        self.max_rejected_objects_share = objects_share


def reject(key, reason="truncated"):
    return {
        "key": key,
        "reason": reason,
        "what": f"{key} is {reason}",
        "found": "3 bytes",
        "expected": "more",
        "fix": "copy it again",
    }


def summary(split="train", written=0, rejects=(), conversions=None, objects=0, rejected_objects=()):
    return {
        "objects": objects,
        "rejected_objects": list(rejected_objects),
        "split": split,
        "written": written,
        "rejects": list(rejects),
        "conversions": conversions or {},
    }


def test_counts_are_added_up_over_shards():
    shards = [
        summary("train", 3, [reject("b"), reject("a", "empty")], {"palette_expanded": 2}),
        summary("train", 4, [], {"palette_expanded": 1}),
        summary("eval", 2),
    ]
    accounts = Accounts.of({"train": 9, "eval": 2}, shards)
    accounts.check("data", Allowing(0.5))
    assert accounts.counts() == {
        "splits": {
            "train": {"listed": 9, "written": 7, "rejected": 2},
            "eval": {"listed": 2, "written": 2, "rejected": 0},
        },
        "rejected": {"truncated": 1, "empty": 1},
        "conversions": {"palette_expanded": 3},
    }
    assert [entry["key"] for entry in accounts.rejects] == ["a", "b"]


@pytest.mark.parametrize("share", [0.2, 0.3])
def test_allowed_share_is_allowed(share):
    accounts = Accounts.of({"train": 10}, [summary(written=8, rejects=[reject("a"), reject("b")])])
    accounts.check("data", Allowing(share))
    assert accounts.rejected_in("train") == 2
    with pytest.raises(DataError, match="too many records"):
        accounts.check("data", Allowing(0.19))


def test_larger_share_fails_and_names_reasons_and_files():
    rejects = [
        reject(f"file{index:02d}", "empty" if index % 2 else "truncated") for index in range(30)
    ]
    accounts = Accounts.of({"train": 100}, [summary(written=70, rejects=rejects)])
    with pytest.raises(DataError, match="too many records of /data") as caught:
        accounts.check("/data", Allowing(0.29))
    message = str(caught.value)
    assert "30 of 100 records: 15 truncated, 15 empty" in message
    assert "file19" in message
    assert "file20" not in message
    assert "and 10 more" in message
    assert "at most a share of 0.29" in message


def test_the_only_faulty_record_speaks_for_itself():
    shards = [summary(split, 0, [reject("a.png")]) for split in ("train", "eval")]
    accounts = Accounts.of({"train": 1, "eval": 1}, shards)
    with pytest.raises(DataError, match=r"a\.png is truncated") as caught:
        accounts.check("data", Allowing(0.0))
    assert caught.value.fix == "copy it again"


@pytest.mark.parametrize("written", [8, 10])
def test_lost_or_doubled_records_are_noticed(written):
    accounts = Accounts.of({"train": 9}, [summary(written=written)])
    with pytest.raises(DataError, match="lost on the way"):
        accounts.check("data", Allowing(1.0))


def test_shard_that_never_reported_is_noticed():
    with pytest.raises(DataError, match="lost on the way"):
        Accounts.of({"train": 9, "eval": 2}, [summary("eval", 2)]).check("data", Allowing(1.0))


@pytest.mark.parametrize("rejects", [[], [reject("a"), reject("b")]])
def test_empty_split_is_refused(rejects):
    accounts = Accounts.of(
        {"train": 3, "eval": len(rejects)}, [summary("train", 3), summary("eval", 0, rejects)]
    )
    with pytest.raises(DataError, match="`eval` of data has no record"):
        accounts.check("data", Allowing(1.0))


def test_objects_are_counted_apart_from_records():
    shards = [
        summary("train", 3, objects=700, rejected_objects=[reject("b", "negative_box")]),
        summary("eval", 1, objects=300, rejected_objects=[reject("a", "degenerate_box")]),
    ]
    accounts = Accounts.of({"train": 3, "eval": 1}, shards)
    assert accounts.counts()["objects"] == {
        "listed": 1000,
        "rejected": {"negative_box": 1, "degenerate_box": 1},
    }
    assert [entry["split"] for entry in accounts.rejected_objects] == ["eval", "train"]
    accounts.check("data", Allowing(0.0, 0.002))
    with pytest.raises(DataError, match="too many objects of data cannot be used") as caught:
        accounts.check("data", Allowing(0.0, 0.001))
    assert "2 of 1000 objects: 1 degenerate_box, 1 negative_box" in caught.value.found
    assert "data.max_rejected_objects_share" in caught.value.expected


def test_only_rejected_object_is_the_error_itself():
    accounts = Accounts.of(
        {"train": 1}, [summary(written=1, objects=5, rejected_objects=[reject("a", "polygon")])]
    )
    with pytest.raises(DataError, match="a is polygon"):
        accounts.check("data", Allowing(0.0))
