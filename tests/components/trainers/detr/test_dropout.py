from __future__ import annotations

import numpy as np
import tensorflow as tf

from components.trainers.detr.dropout import Dropout

SEED = tf.constant([1, 2], tf.int64)


def test_a_tenth_is_dropped_and_the_mean_stays() -> None:
    dropped = Dropout(0.1, SEED)(tf.ones([200, 500])).numpy()
    assert set(np.unique(dropped)) == {np.float32(0.0), np.float32(1.0 / 0.9)}
    assert abs((dropped == 0).mean() - 0.1) < 0.004


def test_masks_follow_from_the_seed_and_differ_from_call_to_call() -> None:
    one, two = Dropout(0.5, SEED), Dropout(0.5, SEED)
    first, second = (np.asarray(one(tf.ones([1000]))) for _ in range(2))
    np.testing.assert_array_equal(first, two(tf.ones([1000])))
    assert 0.4 < (first == second).mean() < 0.6


def test_nothing_is_dropped_without_a_seed() -> None:
    features = tf.ones([5])
    assert Dropout(0.5, None)(features) is features
