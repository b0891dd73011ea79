"""The real pictures that come nearest to generated ones, so that memorising would be seen.

Near is what the benchmark's feature network finds alike. Real pictures are read once, a batch at a
time: kept are everyone's features and the pictures that are nearest so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.feature_network import image_levels, load_feature_network
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens import boxed_image_features as keys
from components.reports.content import PaperInputs

#: Neighbours of each generated picture.
NEAREST = 4
_BATCH = 64
_NAMES_AT_ONCE = 256
#: Pictures whose distances to all others are held at a time.
_BLOCK = 512

Pixels = NDArray[np.uint8]
Features = NDArray[np.float64]
FeaturesOf = Callable[[Pixels], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest real pictures of generated ones, the nearest first.

    Attributes:
        records: int64 `[generated, nearest]`, their positions in the split `eval`.
        distances: `[generated, nearest]`, between features.
        pixels: `[generated, nearest, height, width, 3]`, the object views.
        typical: The median distance from a real picture to its nearest other; NaN of one picture.
        num_real: Real pictures that were looked at.
    """

    records: NDArray[np.int64]
    distances: Features
    pixels: Pixels
    typical: float
    num_real: int

    @property
    def relative(self) -> Features:
        """The distances by the typical one, or as they are where there is none."""
        return self.distances / self.typical if self.typical > 0 else self.distances


def load_neighbours(inputs: PaperInputs, generated: Pixels) -> Neighbours:
    """Looks through the object views of the split `eval`.

    Args:
        inputs: The run.
        generated: `[generated, height, width, 3]`, 8-bit levels.

    Raises:
        DataError: There is no record.
        ConfigError: The feature network cannot be loaded.
    """
    from components.trainers.transform_graph import read_examples
    from components.transforms.finegan import OBJECT_VIEW

    network = load_feature_network(
        GeneratedImagesConfig(**inputs.config.get("generated_images", {}))
    )
    views = read_examples(inputs.example_files, inputs.transform_dir, {OBJECT_VIEW}, _BATCH)
    batches = (image_levels(batch[OBJECT_VIEW]) for batch in views.as_numpy_iterator())
    found = nearest_real(generated, batches, lambda levels: network.compute(levels)[0])
    if found is None:
        raise DataError(
            "the split `eval` holds no record to show",
            found=", ".join(inputs.example_files) or "no file",
            expected="the records that ExampleGen wrote",
        )
    return found


def nearest_real(
    generated: Pixels, batches: Iterable[Pixels], features_of: FeaturesOf, nearest: int = NEAREST
) -> Neighbours | None:
    """Finds the real pictures nearest to each generated one; of equally near ones the earlier.

    Args:
        generated: `[generated, height, width, 3]`.
        batches: Real pictures, `[batch, height, width, 3]` each.
        features_of: Pictures -> features `[pictures, dimensions]`.
        nearest: At most so many of each.

    Returns:
        None if there is no real picture.
    """
    wanted = features_of(generated).astype(np.float64)
    distances, records = np.zeros((len(wanted), 0)), np.zeros((len(wanted), 0), np.int64)
    kept: dict[int, Pixels] = {}
    seen: list[NDArray[Any]] = []
    count = 0
    for batch in batches:
        seen.append(features_of(batch))
        numbers = np.tile(count + np.arange(len(batch)), (len(wanted), 1))
        distances = np.concatenate([distances, _distances(wanted, seen[-1])], axis=1)
        records = np.concatenate([records, numbers], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :nearest]
        distances = np.take_along_axis(distances, order, 1)
        records = np.take_along_axis(records, order, 1)
        # A copy, for a view would keep its whole batch.
        kept = {
            number: kept[number] if number < count else batch[number - count].copy()
            for number in np.unique(records).tolist()
        }
        count += len(batch)
    if not count:
        return None
    pixels = np.stack([[kept[number] for number in row] for row in records.tolist()])
    return Neighbours(records, distances, pixels, _typical(np.concatenate(seen)), count)


def record_names(inputs: PaperInputs) -> tuple[str, ...]:
    """What names the records of the split `eval`: their pictures' paths, in order."""
    import tensorflow as tf

    from components.example_gens.split_files import read_records

    spec = {keys.IMAGE_ID: tf.io.FixedLenFeature([], tf.string)}
    names: list[str] = []
    for batch in read_records(inputs.example_files).batch(_NAMES_AT_ONCE):
        found = tf.io.parse_example(batch, spec)[keys.IMAGE_ID].numpy()
        names += [name.decode(errors="replace") for name in found]
    return tuple(names)


def _typical(features: NDArray[Any]) -> float:
    """The median distance from a picture to its nearest other."""
    if len(features) < 2:
        return float("nan")
    features = features.astype(np.float64)
    nearest = []
    for first in range(0, len(features), _BLOCK):
        distances = _distances(features[first : first + _BLOCK], features)
        own = np.arange(len(distances))
        distances[own, first + own] = np.inf
        nearest.append(distances.min(axis=1))
    return float(np.median(np.concatenate(nearest)))


def _distances(one: NDArray[Any], other: NDArray[Any]) -> Features:
    """Euclidean, `[one, other]`; in float64, for the squares are much larger than what is left."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    squares = (one**2).sum(axis=1)[:, np.newaxis] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
