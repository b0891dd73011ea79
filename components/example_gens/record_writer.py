"""Writes a stretch of a split's records into one TFRecord file, and accounts for each of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import DataError
from components.example_gens.record_accounts import ShardSummary
from components.example_gens.record_source import (
    AUGMENT_SEED,
    FeatureValue,
    Record,
    RecordSource,
    augment_seed,
)

PROGRESS_EVERY = 50

# Images are compressed already: the lowest level finds what little there is.
_OPTIONS = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)

_progress = logging.getLogger("papergarden.progress")


@dataclass(frozen=True)
class Shard:
    """A stretch of a split.

    Attributes:
        split: The split's name.
        index: Position among the split's shards.
        num_shards: The split's shards.
        records_before: Records of all shards before this one, in all splits.
        references: What `RecordSource.references` gave for the stretch.
    """

    split: str
    index: int
    num_shards: int
    records_before: int
    references: tuple[Any, ...]

    @property
    def file_name(self) -> str:
        """The name that TFX's own writer would give."""
        return f"data_tfrecord-{self.index:05d}-of-{self.num_shards:05d}.gz"


def cut_into_shards(references: Mapping[str, Sequence[Any]], size: int) -> list[Shard]:
    """Cuts each split into shards of at most `size` records."""
    shards: list[Shard] = []
    before = 0
    for split, found in references.items():
        starts = range(0, len(found), size)
        for index, start in enumerate(starts):
            stretch = tuple(found[start : start + size])
            shards.append(Shard(split, index, len(starts), before, stretch))
            before += len(stretch)
    return shards


def write_shard(source: RecordSource, shard: Shard, directory: str) -> dict[str, Any]:
    """Reads a shard's records and writes the good ones.

    Args:
        source: Reads the records.
        shard: Which ones.
        directory: Where the file goes; it replaces what an earlier try left there.

    Returns:
        Plain data; see `ShardSummary`.
    """
    summary = ShardSummary(shard.split)
    with tf.io.TFRecordWriter(f"{directory}/{shard.file_name}", _OPTIONS) as writer:
        for position, reference in enumerate(shard.references, start=1):
            try:
                record = source.read(reference)
            except DataError as error:
                summary.reject(source.key(reference), error)
            else:
                writer.write(serialize(record))
                summary.add(record)
            if position % PROGRESS_EVERY == 0 or position == len(shard.references):
                count = shard.records_before + position
                _progress.info("records read", extra={"progress": {"records": count}})
    return summary.as_dict()


def serialize(record: Record) -> bytes:
    """The record as a serialized tf.train.Example, with its seed."""
    features = {**record.features, AUGMENT_SEED: augment_seed(record.key)}
    example = tf.train.Example()
    for name, value in features.items():
        _fill(example.features.feature[name], name, value)
    return bytes(example.SerializeToString(deterministic=True))


def _fill(feature: Any, name: str, value: FeatureValue) -> None:
    values = [value] if isinstance(value, bytes | int) else value
    if isinstance(values, np.ndarray):
        kind = values.dtype.kind
        values = values.ravel()
    else:
        kinds = {bytes: "S", str: "U", int: "i", float: "f"}
        kind = kinds.get(type(values[0]), "?") if len(values) else "?"
    if kind == "f":
        feature.float_list.value.extend(values)
    elif kind in "iu":
        feature.int64_list.value.extend(values)
    elif kind == "S":
        feature.bytes_list.value.extend(values)
    else:
        raise TypeError(f"feature {name}: bytes, integers or floats expected, {type(value)} came")
