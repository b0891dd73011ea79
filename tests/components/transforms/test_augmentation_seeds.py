"""The facts that augmentation rests on: seeds decide alone, not batch, order or process."""

import numpy as np
import pytest
import tensorflow as tf

from components.example_gens.record_source import augment_seed
from components.transforms.augmentation_seeds import epoch_seed, fold_in, uniform

SEEDS = np.array([augment_seed(f"{name}.png") for name in range(8)], np.int64)


def pixels(seeds: np.ndarray, epoch: int, run_seed: int = 0) -> np.ndarray:
    """Random pictures `[batch, 4, 4]` of records, as a map over the batch draws them."""
    mixed = epoch_seed(tf.constant(seeds), run_seed, epoch)
    return tf.map_fn(
        lambda seed: uniform(fold_in(seed, 7), [4, 4]), mixed, fn_output_signature=tf.float32
    ).numpy()


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_batch_size_does_not_change_the_pixels(batch_size):
    whole = pixels(SEEDS, epoch=2)
    parts = [pixels(SEEDS[i : i + batch_size], epoch=2) for i in range(0, 8, batch_size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_graph_draws_what_eager_mode_draws():
    graph = tf.function(lambda seeds, epoch: epoch_seed(seeds, 3, epoch))
    expected = epoch_seed(tf.constant(SEEDS), 3, 5).numpy()
    np.testing.assert_array_equal(graph(tf.constant(SEEDS), tf.constant(5)).numpy(), expected)


def test_another_epoch_run_or_record_has_other_pixels():
    pictures = [pixels(SEEDS, 0), pixels(SEEDS, 1), pixels(SEEDS, 0, run_seed=1)]
    drawn = np.concatenate(pictures).reshape(24, -1)
    assert len(np.unique(drawn, axis=0)) == 24


def test_run_and_epoch_are_not_interchangeable():
    one = epoch_seed(tf.constant(SEEDS[0]), 1, 2).numpy()
    two = epoch_seed(tf.constant(SEEDS[0]), 2, 1).numpy()
    assert not np.array_equal(one, two)


def test_two_purposes_draw_different_numbers():
    seed = tf.constant(SEEDS[0])
    first, second = uniform(fold_in(seed, 1), [100]), uniform(fold_in(seed, 2), [100])
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.4


def test_all_bits_of_the_seed_count():
    seed = SEEDS[0].copy()
    base = fold_in(tf.constant(seed), 1).numpy()
    for part in (0, 1):
        for bit in (0, 40, 62):
            changed = seed.copy()
            changed[part] ^= np.int64(1) << bit
            assert not np.array_equal(fold_in(tf.constant(changed), 1).numpy(), base)


def test_seeds_stay_int64_in_their_shape():
    assert fold_in(tf.constant(SEEDS), 1).dtype == tf.int64
    assert fold_in(tf.constant(SEEDS), 1).shape == (8, 2)
    assert fold_in(tf.constant(SEEDS[0]), tf.constant(1)).shape == (2,)


def test_the_numbers_never_change():
    """A change here would make every finished run unrepeatable."""
    seed = fold_in(tf.constant([1, 2], tf.int64), 3)
    np.testing.assert_array_equal(seed.numpy(), RECORDED_SEED)
    np.testing.assert_allclose(uniform(seed, [2]).numpy(), RECORDED_NUMBERS, rtol=1e-6)


RECORDED_SEED = [7464880146280614444, 3]
RECORDED_NUMBERS = [0.9677835702896118, 0.15698599815368652]
