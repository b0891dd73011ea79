"""Seeds of stateless random operations: a record's own, mixed with run, epoch and purpose.

ExampleGen writes the record's seed (`augment/seed`). The Trainer mixes in the run's seed and the
epoch, so that augmentation is new in every epoch and still a function of (record, run, epoch)
alone: the same in any process, batch size and order. Within `preprocessing_fn` every random
operation folds in a constant of its own, or two of them would draw the same numbers.
"""

from __future__ import annotations

import tensorflow as tf

# Named, because the default differs between devices.
ALGORITHM = "philox"


def fold_in(seed: tf.Tensor, constant: int | tf.Tensor) -> tf.Tensor:
    """Derives a seed for one purpose.

    Args:
        seed: `[2]` or `[batch, 2]` int64.
        constant: A number that no other purpose uses; scalar.

    Returns:
        A seed of the same shape, int64.
    """
    seed = tf.convert_to_tensor(seed, tf.int64)
    # The result takes the type of the data: an int32 constant would cut the seed to 32 bits.
    data = tf.cast(constant, tf.int64)
    if seed.shape.rank == 1:
        return tf.random.experimental.stateless_fold_in(seed, data, alg=ALGORITHM)
    return tf.map_fn(
        lambda one: tf.random.experimental.stateless_fold_in(one, data, alg=ALGORITHM), seed
    )


def epoch_seed(
    example_seed: tf.Tensor, run_seed: int | tf.Tensor, epoch: int | tf.Tensor
) -> tf.Tensor:
    """The seed of a record in an epoch of a run.

    Args:
        example_seed: `[2]` or `[batch, 2]` int64, the feature `augment/seed`.
        run_seed: The run's seed; scalar.
        epoch: Passes over the data before this one; scalar.

    Returns:
        A seed of the same shape, int64.
    """
    return fold_in(fold_in(example_seed, run_seed), epoch)


def uniform(seed: tf.Tensor, shape: list[int] | tf.Tensor) -> tf.Tensor:
    """Random numbers in [0, 1), float32, the same on every device.

    Args:
        seed: `[2]` int64.
        shape: Shape of the result.
    """
    return tf.random.stateless_uniform(shape, seed, alg=ALGORITHM)
