"""Images of one kind, real or generated, accumulated: moments, class probabilities, a sample.

Every image belongs to a group by the hash of what identifies it, so that neither the groups nor the
sample depend on the order in which Beam brings the images.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.frechet_distance import FeatureMoments
from components.evaluators.inception_score import ClassProbabilitySums

UNKNOWN = -1
# Images that wait to be added together: one at a time, each would cost a pass over a covariance.
_WAITING = 1024


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What is known of some images.

    Attributes:
        keys: uint64 `[images]`, the hashes that decide on groups and on what is kept.
        features: float32 `[images, dimensions]`.
        numbers: int64 `[images]`: of real images the label, of generated ones the child's code; -1
            where there is none.
        probabilities: float32 `[images, classes]`, where the feature network has classes.
    """

    keys: NDArray[np.uint64]
    features: NDArray[np.float32]
    numbers: NDArray[np.int64]
    probabilities: NDArray[np.float32] | None = None

    def only(self, chosen: NDArray[Any]) -> ImageFeatures:
        """Some of the images, by a mask or by their indices."""
        return ImageFeatures(
            self.keys[chosen],
            self.features[chosen],
            self.numbers[chosen],
            None if self.probabilities is None else self.probabilities[chosen],
        )

    @staticmethod
    def join(parts: list[ImageFeatures]) -> ImageFeatures:
        """The images of all parts, one or more.

        Raises:
            DataError: They are of different networks.
        """
        if len({(part.features.shape[1], part.probabilities is None) for part in parts}) > 1:
            raise DataError(
                "features of different networks cannot be joined",
                found=", ".join(f"{part.features.shape[1]} dimensions" for part in parts),
                expected="one feature network",
            )
        probabilities = [part.probabilities for part in parts if part.probabilities is not None]
        return ImageFeatures(
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate(probabilities) if probabilities else None,
        )


class ImageSet:
    """Accumulates the images of one kind, real or generated.

    Args:
        groups: Number of groups.
        stored: Images whose features are kept, at most: those of the lowest keys.
    """

    def __init__(self, groups: int, stored: int) -> None:
        self._stored = stored
        self._moments = [FeatureMoments() for _ in range(groups)]
        self._scores = [ClassProbabilitySums() for _ in range(groups)]
        self._sample: ImageFeatures | None = None
        self._waiting: list[ImageFeatures] = []
        self._num_waiting = 0

    def add(self, images: ImageFeatures) -> None:
        """Adds images."""
        self._waiting.append(images)
        self._num_waiting += len(images.keys)
        if self._num_waiting >= _WAITING:
            self.settle()

    def merge(self, other: ImageSet) -> None:
        """Adds the images of another set with equally many groups; the other stays as it is."""
        self.settle()
        for images in other._waiting:
            self.add(images)
        for group, (moments, scores) in enumerate(zip(other._moments, other._scores, strict=True)):
            self._moments[group] = self._moments[group].merge(moments)
            self._scores[group] = self._scores[group].merge(scores)
        if other._sample is not None:
            self._keep(other._sample)

    def settle(self) -> None:
        """Adds up the images that wait."""
        if not self._waiting:
            return
        images = ImageFeatures.join(self._waiting)
        self._waiting, self._num_waiting = [], 0
        groups = images.keys % np.uint64(len(self._moments))
        for group in np.unique(groups):
            members = images.only(groups == group)
            own = int(group)
            self._moments[own] = self._moments[own].merge(FeatureMoments.of(members.features))
            if members.probabilities is not None:
                sums = ClassProbabilitySums.of(members.probabilities)
                self._scores[own] = self._scores[own].merge(sums)
        self._keep(images)

    def _keep(self, images: ImageFeatures) -> None:
        bare = ImageFeatures(images.keys, images.features, images.numbers)
        joined = bare if self._sample is None else ImageFeatures.join([self._sample, bare])
        # Equal keys are ordered by what else they have, so that the order of arrival has no say.
        order = np.lexsort((joined.features[:, 0], joined.numbers, joined.keys))
        self._sample = joined.only(order[: self._stored])

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self._moments)

    @property
    def filled_groups(self) -> set[int]:
        """The groups that have images."""
        self.settle()
        return {group for group, moments in enumerate(self._moments) if moments.count}

    @property
    def count(self) -> int:
        """Images in all."""
        return sum(moments.count for moments in self._moments) + self._num_waiting

    def moments(self, left_out: int | None = None) -> FeatureMoments:
        """Moments of all images, or of those outside a group."""
        self.settle()
        total = FeatureMoments()
        for group, moments in enumerate(self._moments):
            if group != left_out:
                total = total.merge(moments)
        return total

    @property
    def scores(self) -> list[ClassProbabilitySums]:
        """What the Inception score needs of each group."""
        self.settle()
        return self._scores

    @property
    def sample(self) -> ImageFeatures | None:
        """The images that are kept, by ascending keys, without probabilities; None of none."""
        self.settle()
        return self._sample


def image_key(levels: NDArray[np.uint8]) -> int:
    """The hash that identifies an image, of its 8-bit levels; 64 bits."""
    return int.from_bytes(hashlib.blake2b(levels.tobytes(), digest_size=8).digest(), "little")
