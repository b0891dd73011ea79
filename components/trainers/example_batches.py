"""Batches of a data set of many records: shuffled anew in each epoch, the same in every process.

The order is a function of (seed, epoch), so a resumed run goes on in the middle of an epoch with
the batch that comes next: records before it are skipped undecoded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from components.example_gens.record_source import AUGMENT_SEED
from components.example_gens.split_files import read_records
from components.trainers.trainer_inputs import TrainerInputs
from components.trainers.transform_graph import TransformGraph, without_tuning
from components.transforms.augmentation_seeds import ALGORITHM, epoch_seed, fold_in

# Data sets below it are shuffled whole; of larger ones, as many records as fit are shuffled at a
# time, out of files that are read side by side in an order of the epoch's own.
SHUFFLE_BYTES = 1 << 29
FILES_AT_ONCE = 16
BATCHES_AHEAD = 2

Batch = dict[str, Any]


def training_batches(
    files: Sequence[str],
    graph: TransformGraph,
    *,
    num_records: int,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    drop_remainder: bool = False,
    finish: Callable[[Batch, tf.Tensor], Batch] | None = None,
) -> tf.data.Dataset:
    """Batches of the steps from `first_step` on, without end.

    Args:
        files: The split's TFRecord files.
        graph: Transform's graph, pruned to the outputs that training uses; `augment/seed` is mixed
            with the run's seed and the epoch before it sees it.
        num_records: Records in the files.
        batch_size: Records a batch.
        seed: The run's.
        first_step: Batches that were used before.
        drop_remainder: Whether an epoch leaves out the records of a last, smaller batch.
        finish: (batch, its step) -> batch, a last change as a function of the step.

    Returns:
        A data set of `{output: [batch, …]}`.
    """
    steps_per_epoch = num_records // batch_size
    if not drop_remainder and num_records % batch_size:
        steps_per_epoch += 1
    first_epoch, used = divmod(first_step, steps_per_epoch)
    buffer = _records_in_buffer(files, num_records)

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        skipped = tf.where(epoch == first_epoch, used, 0)
        records = _shuffled(files, buffer, seed, epoch)
        unused = records.skip(tf.cast(skipped * batch_size, tf.int64))
        batches = unused.batch(batch_size, drop_remainder=drop_remainder)
        steps = tf.data.Dataset.counter(epoch * steps_per_epoch + tf.cast(skipped, tf.int64))
        return tf.data.Dataset.zip((steps, batches))

    def transformed(step: tf.Tensor, serialized: tf.Tensor) -> Batch:
        features = tf.io.parse_example(serialized, graph.parse_spec)
        if AUGMENT_SEED in features:
            epoch = step // steps_per_epoch
            features[AUGMENT_SEED] = epoch_seed(features[AUGMENT_SEED], seed, epoch)
        batch = graph(features)
        return batch if finish is None else finish(batch, step)

    epochs = tf.data.Dataset.counter(first_epoch)
    batches = epochs.flat_map(epoch_batches)
    transformed_batches = batches.map(
        transformed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return without_tuning(transformed_batches.prefetch(BATCHES_AHEAD))


def batches_from_step(
    inputs: TrainerInputs,
    graph: TransformGraph,
    finish: Callable[[Batch, tf.Tensor], Batch],
    *,
    batch_size: int,
    drop_remainder: bool = False,
) -> Callable[[int], tf.data.Dataset]:
    """First step -> `training_batches` of the split `train` from there on, as tasks take them."""

    def batches(first_step: int) -> tf.data.Dataset:
        return training_batches(
            inputs.train_paths,
            graph,
            num_records=inputs.num_train_records,
            batch_size=batch_size,
            seed=inputs.training.seed,
            first_step=first_step,
            drop_remainder=drop_remainder,
            finish=finish,
        )

    return batches


def _shuffled(files: Sequence[str], buffer: int, seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
    """All records in an order of (seed, epoch) alone; `Dataset.shuffle` mixes in global state."""
    epoch_seed = tf.stack([tf.constant(seed, tf.int64), epoch])
    paths = tf.data.Dataset.from_tensor_slices(_permuted(tf.constant(list(files)), epoch_seed, 0))
    records = paths.interleave(
        lambda path: read_records([path]), cycle_length=min(FILES_AT_ONCE, len(files))
    )
    parts = records.batch(buffer).enumerate(1)
    return parts.map(lambda index, part: _permuted(part, epoch_seed, index)).unbatch()


def _permuted(values: tf.Tensor, seed: tf.Tensor, purpose: int | tf.Tensor) -> tf.Tensor:
    own_seed = fold_in(seed, purpose)
    return tf.random.experimental.stateless_shuffle(values, own_seed, alg=ALGORITHM)


def _records_in_buffer(files: Sequence[str], num_records: int) -> int:
    # Pictures hardly get smaller by compression, so the files tell the records' size.
    size = sum(tf.io.gfile.stat(path).length for path in files)
    return max(1, min(num_records, num_records * SHUFFLE_BYTES // max(1, size)))
