"""Batches of many records: every record once an epoch, another order each, exact resume."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.trainers import example_batches
from components.trainers.example_batches import training_batches
from components.transforms.augmentation_seeds import epoch_seed

NUM_RECORDS, BATCH, SEED = 23, 5, 7
STEPS_PER_EPOCH = 5


class PassedThrough:
    """In place of Transform's graph: gives the features as they come."""

    parse_spec = {
        "number": tf.io.FixedLenFeature([], tf.int64),
        "augment/seed": tf.io.FixedLenFeature([2], tf.int64),
    }

    def __call__(self, features: Any) -> dict[str, Any]:
        return dict(features)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("records")
    paths = []
    for index, numbers in enumerate(np.array_split(np.arange(NUM_RECORDS), 3)):
        path = str(folder / f"data-{index}.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for number in numbers:
                writer.write(record(int(number)))
        paths.append(path)
    return paths


def record(number: int) -> bytes:
    example = tf.train.Example()
    example.features.feature["number"].int64_list.value.append(number)
    example.features.feature["augment/seed"].int64_list.value.extend([number, -number])
    return bytes(example.SerializeToString())


def batches(files: list[str], count: int, **changes: Any) -> list[dict[str, np.ndarray]]:
    options = {"num_records": NUM_RECORDS, "batch_size": BATCH, "seed": SEED, **changes}
    dataset = training_batches(files, PassedThrough(), **options)
    return list(islice(dataset.as_numpy_iterator(), count))


def numbers(found: list[dict[str, np.ndarray]]) -> list[int]:
    return [int(number) for batch in found for number in batch["number"]]


def test_an_epoch_has_every_record_once_and_its_last_batch_is_smaller(files: list[str]) -> None:
    found = batches(files, 2 * STEPS_PER_EPOCH)
    first, second = numbers(found[:STEPS_PER_EPOCH]), numbers(found[STEPS_PER_EPOCH:])
    assert sorted(first) == sorted(second) == list(range(NUM_RECORDS))
    assert first != second != list(range(NUM_RECORDS)) != first
    assert [len(batch["number"]) for batch in found[:STEPS_PER_EPOCH]] == [5, 5, 5, 5, 3]


@pytest.mark.parametrize("first_step", [1, 4, 5, 8])
def test_a_resumed_run_goes_on_with_the_next_batch(files: list[str], first_step: int) -> None:
    whole = batches(files, 12)[first_step:]
    resumed = batches(files, 12 - first_step, first_step=first_step)
    for one, other in zip(whole, resumed, strict=True):
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])


def test_the_global_seed_does_not_matter(files: list[str]) -> None:
    found = []
    for seed in (0, 1):
        tf.random.set_seed(seed)
        found.append(numbers(batches(files, STEPS_PER_EPOCH)))
    assert found[0] == found[1]


def test_another_seed_gives_another_order(files: list[str]) -> None:
    assert numbers(batches(files, STEPS_PER_EPOCH)) != numbers(
        batches(files, STEPS_PER_EPOCH, seed=SEED + 1)
    )


def test_seeds_of_records_are_those_of_the_run_and_the_epoch(files: list[str]) -> None:
    for step, batch in enumerate(batches(files, 2 * STEPS_PER_EPOCH)):
        own = np.stack([batch["number"], -batch["number"]], axis=1)
        expected = epoch_seed(own, SEED, step // STEPS_PER_EPOCH)
        np.testing.assert_array_equal(batch["augment/seed"], expected)


def test_the_last_change_knows_the_step(files: list[str]) -> None:
    found = batches(files, 8, first_step=2, finish=lambda batch, step: {**batch, "step": step})
    assert [int(batch["step"]) for batch in found] == list(range(2, 10))


def test_a_set_too_large_for_memory_is_shuffled_in_parts(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_batches, "SHUFFLE_BYTES", sum(map(_size, files)) // 4)
    found = numbers(batches(files, STEPS_PER_EPOCH))
    assert sorted(found) == list(range(NUM_RECORDS)) != found


def _size(path: str) -> int:
    return Path(path).stat().st_size


def test_a_smaller_last_batch_is_left_out_where_it_is_not_wanted(files: list[str]) -> None:
    straight = batches(files, 9, drop_remainder=True)
    assert {len(batch["number"]) for batch in straight} == {BATCH}
    epochs = [numbers(straight[:4]), numbers(straight[4:8])]
    assert all(len(set(epoch)) == 20 for epoch in epochs)
    assert set(epochs[0]) != set(epochs[1])
    resumed = batches(files, 3, drop_remainder=True, first_step=6)
    assert numbers(resumed) == numbers(straight[6:])
