"""Which pictures are made for which record of an evaluation.

The paper's protocol takes equally many pictures of every child's code, 150 of each of 200, whatever
the number of real ones. Picture `i` has the code `i // images_per_child` and the noise of the seed
`i`, so it is what the signature `generate_class` serves. They are dealt to the records in turn, in
the order of the records' keys: `evaluate` sees a record at a time and must know its share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import DataError

TransformFn = Callable[[tf.Tensor], Mapping[str, Any]]

# In place of a code, where a record has a picture less than others.
NO_IMAGE = -1


class EvaluatedRecords:
    """The records that an evaluation will ask about, and the pictures to make for them.

    Args:
        transform_fn: Serialized records `[n]` -> `object_view`, `example_key` and `label`.
        keys: The `example_key` of every record.
        children: Number of child codes.
        images_per_child: Pictures of each; the paper's is 150.

    Raises:
        DataError: There is no record, or two have the same key.
    """

    def __init__(
        self,
        transform_fn: TransformFn,
        keys: Sequence[int],
        *,
        children: int,
        images_per_child: int = 150,
    ) -> None:
        self.transform_fn = transform_fn
        self._keys = np.sort(np.asarray(keys, np.int64))
        if not self._keys.size or np.any(self._keys[1:] == self._keys[:-1]):
            raise DataError(
                "the records of the evaluation cannot be told apart",
                found=f"{len(np.unique(self._keys))} different keys of {self._keys.size} records",
                expected="one record or more, each with a key of its own",
                fix="look at the split `eval` of ExampleGen",
            )
        self._images_per_child = images_per_child
        self.num_images = children * images_per_child

    @property
    def images_per_record(self) -> int:
        """Pictures that a record has at most; each has as many, or one less."""
        return math.ceil(self.num_images / self._keys.size)

    def image_numbers(self, keys: tf.Tensor) -> tf.Tensor:
        """The pictures of records.

        Args:
            keys: `[n]` int64; of a record that was not named, the pictures of its neighbour.

        Returns:
            int64 `[n, images_per_record]`; numbers of `num_images` and above are of no picture.
        """
        ranks = tf.searchsorted(tf.constant(self._keys), keys, out_type=tf.int64)
        ranks = tf.minimum(ranks, self._keys.size - 1)
        turns = tf.range(self.images_per_record, dtype=tf.int64)
        return ranks[:, tf.newaxis] + self._keys.size * turns

    def children(self, numbers: tf.Tensor) -> tf.Tensor:
        """The child's code of each picture, int64; `NO_IMAGE` of none."""
        codes = numbers // self._images_per_child
        return tf.where(numbers < self.num_images, codes, NO_IMAGE)
