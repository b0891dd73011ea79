"""The paper's protocol, dealt to records: equally many pictures of every code, each once."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import DataError
from components.trainers.finegan.evaluated_records import NO_IMAGE, EvaluatedRecords


def records(keys: list[int], children: int, images_per_child: int) -> EvaluatedRecords:
    return EvaluatedRecords(
        lambda _: {}, keys, children=children, images_per_child=images_per_child
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2**63 - 2), min_size=1, max_size=30, unique=True),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_every_picture_is_made_once_for_one_record(
    keys: list[int], children: int, images_per_child: int
) -> None:
    evaluated = records(keys, children, images_per_child)
    numbers = evaluated.image_numbers(tf.constant(keys, tf.int64))
    codes = evaluated.children(numbers).numpy()
    assert numbers.shape == (len(keys), evaluated.images_per_record)
    made = numbers.numpy()[codes != NO_IMAGE]
    np.testing.assert_array_equal(np.sort(made), np.arange(children * images_per_child))
    counts = np.bincount(codes[codes != NO_IMAGE], minlength=children)
    np.testing.assert_array_equal(counts, np.full(children, images_per_child))
    assert (codes != NO_IMAGE).sum(axis=1).min() >= evaluated.images_per_record - 1


def test_the_share_of_a_record_is_its_own_in_any_order() -> None:
    first, second = records([5, 900, 17], 2, 3), records([17, 5, 900], 2, 3)
    keys = tf.constant([17, 900, 5], tf.int64)
    np.testing.assert_array_equal(first.image_numbers(keys), second.image_numbers(keys))


def test_a_record_that_was_not_named_has_the_pictures_of_its_neighbour() -> None:
    evaluated = records([10, 20], 2, 2)
    found = evaluated.image_numbers(tf.constant([15, 20, 99], tf.int64)).numpy()
    np.testing.assert_array_equal(found, [[1, 3]] * 3)


@pytest.mark.parametrize("keys", [[], [4, 9, 4]])
def test_records_must_be_there_and_differ(keys: list[int]) -> None:
    with pytest.raises(DataError, match="cannot be told apart"):
        records(keys, 2, 2)
