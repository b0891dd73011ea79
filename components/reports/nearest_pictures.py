"""The real pictures that come nearest to generated ones, so that memorising would be seen.

Near is what a feature network finds alike; of a generated picture and its mirror image the nearer
one counts, for training mirrors. Real pictures come a batch at a time: kept are everyone's features
and the pictures that are nearest so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Pictures whose distances to all others are held at a time.
_BLOCK = 512

Pixels = NDArray[np.uint8]
Features = NDArray[np.float64]
FeaturesOf = Callable[[Pixels], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest real pictures of generated ones, the nearest first.

    Attributes:
        records: int64 `[generated, nearest]`, their positions in the order of reading.
        distances: `[generated, nearest]`, between features.
        pixels: `[generated, nearest, height, width, 3]`, 8-bit levels.
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


def nearest_real(
    generated: Pixels, batches: Iterable[Pixels], features_of: FeaturesOf, nearest: int
) -> Neighbours | None:
    """Finds the real pictures nearest to each generated one; of equally near ones the earlier.

    Args:
        generated: `[generated, height, width, 3]`, 8-bit levels.
        batches: Real pictures, `[batch, height, width, 3]` each.
        features_of: Pictures -> features `[pictures, dimensions]`.
        nearest: At most so many of each.

    Returns:
        None if there is no real picture.
    """
    wanted, mirrored = features_of(generated), features_of(generated[:, :, ::-1])
    distances, records = np.zeros((len(wanted), 0)), np.zeros((len(wanted), 0), np.int64)
    kept: dict[int, Pixels] = {}
    seen: list[NDArray[Any]] = []
    count = 0
    for batch in batches:
        seen.append(features_of(batch))
        new = np.minimum(_distances(wanted, seen[-1]), _distances(mirrored, seen[-1]))
        numbers = np.tile(count + np.arange(len(batch)), (len(wanted), 1))
        distances = np.concatenate([distances, new], axis=1)
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


def copy_distance(pairs: Iterable[tuple[Pixels, Pixels]], features_of: FeaturesOf) -> float:
    """How far a copy is from what it copies, though it was seen cropped and mirrored.

    Args:
        pairs: Batches of pictures as training sees them, and of the same pictures as they are.
        features_of: Pictures -> features `[pictures, dimensions]`.

    Returns:
        The median distance of a pair, the nearer mirror image counting; NaN without pairs.
    """
    apart: list[Features] = []
    for trained, plain in pairs:
        wanted = features_of(plain)
        both = [features_of(one) - wanted for one in (trained, trained[:, :, ::-1])]
        apart.append(np.minimum(*(np.linalg.norm(one, axis=1) for one in both)))
    return float(np.median(np.concatenate(apart))) if apart else float("nan")


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
