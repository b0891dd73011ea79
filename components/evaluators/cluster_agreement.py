"""How well clusters agree with labels: normalised mutual information, and accuracy.

The two that FineGAN's authors report of clusters of real images. Accuracy counts a record as right
where its cluster's partner, in the best matching of clusters with labels one to one, is its label.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError

# Keeps a feature that hardly varies from outweighing the rest.
_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True)
class ContingencyTable:
    """How many records each pair of a label and a cluster has.

    Attributes:
        counts: (label, cluster) -> records.
    """

    counts: Counter[tuple[int, int]] = field(default_factory=Counter)

    @classmethod
    def of(cls, labels: NDArray[Any], clusters: NDArray[Any]) -> ContingencyTable:
        """The table of labels and clusters `[records]`.

        Raises:
            DataError: They are not equally many.
        """
        if labels.shape != clusters.shape or labels.ndim != 1:
            raise DataError(
                "labels and clusters do not belong together",
                found=f"{labels.shape} and {clusters.shape}",
                expected="[records], twice",
            )
        return cls(Counter(zip(labels.tolist(), clusters.tolist(), strict=True)))

    def merge(self, other: ContingencyTable) -> ContingencyTable:
        """The records of both."""
        return ContingencyTable(self.counts + other.counts)

    def matrix(self) -> NDArray[np.float64]:
        """`[labels, clusters]`, those that occur."""
        rows = {label: row for row, label in enumerate(sorted({pair[0] for pair in self.counts}))}
        columns = {
            cluster: column
            for column, cluster in enumerate(sorted({pair[1] for pair in self.counts}))
        }
        matrix = np.zeros((len(rows), len(columns)))
        for (label, cluster), count in self.counts.items():
            matrix[rows[label], columns[cluster]] = count
        return matrix


def normalized_mutual_information(table: ContingencyTable) -> float:
    """Mutual information by the mean of the two entropies, as scikit-learn's default.

    Returns:
        In [0, 1], 1 where both are constant; not a number without records.
    """
    matrix = table.matrix()
    if not matrix.size:
        return math.nan
    if matrix.shape == (1, 1):
        return 1.0
    joint = matrix / matrix.sum()
    labels, clusters = joint.sum(axis=1), joint.sum(axis=0)
    occurring = joint > 0.0
    ratio = joint[occurring] / np.outer(labels, clusters)[occurring]
    information = float(np.sum(joint[occurring] * np.log(ratio)))
    entropy = -float(np.sum(labels * np.log(labels)) + np.sum(clusters * np.log(clusters)))
    return min(1.0, max(0.0, 2.0 * information / entropy))


def matched_accuracy(table: ContingencyTable) -> float:
    """Share of records that are right under the best one-to-one matching (Hungarian method).

    Returns:
        In [0, 1]; not a number without records.
    """
    # Imported here: the measures import with numpy alone.
    from scipy.optimize import linear_sum_assignment

    matrix = table.matrix()
    if not matrix.size:
        return math.nan
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return float(matrix[rows, columns].sum() / matrix.sum())


def nearest_codes(
    features: NDArray[Any], generated: NDArray[Any], codes: NDArray[Any]
) -> NDArray[np.int64]:
    """Clusters of real images: the code whose generated images they resemble most.

    Each feature is divided by its deviation within the codes; the nearest mean of a code decides,
    of equally near ones the lower code. This stands in for the paper's clusters, which come from
    features learned on generated images; nothing is drawn or trained, so nothing depends on a seed.

    Args:
        features: Of real images, `[images, dimensions]`.
        generated: Of generated images, `[generated, dimensions]`.
        codes: The codes they were made with, `[generated]`.

    Returns:
        `[images]`.

    Raises:
        DataError: There are no generated images.
    """
    if not len(generated):
        raise DataError("there are no generated images to compare with", found=0, expected="some")
    present, members = np.unique(codes, return_inverse=True)
    values = generated.astype(np.float64)
    sums = np.zeros((len(present), values.shape[1]))
    np.add.at(sums, members, values)
    means = sums / np.bincount(members)[:, np.newaxis]
    deviation = np.maximum(np.sqrt(np.mean((values - means[members]) ** 2, 0)), _SMALLEST_DEVIATION)
    real, centres = features.astype(np.float64) / deviation, means / deviation
    distances = np.sum(centres**2, axis=1) - 2.0 * real @ centres.T
    return np.asarray(present[np.argmin(distances, axis=1)], np.int64)
