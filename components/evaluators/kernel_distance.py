"""Kernel distance (KID, Bińkowski et al. 2018): the squared maximum mean discrepancy of features
under the kernel `(x . y / dimensions + 1)^3`.

The estimate leaves an image's kernel with itself out, so that it is unbiased for any number of
images, and may be negative. The authors average it over random subsets, to save the kernel of all
pairs; here it is taken over all pairs at once, which has the same expectation and less variance.
Sums are kept by pairs of groups, which is what a jackknife over groups needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError

_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class KernelSums:
    """Sums of the kernel over pairs of images, by their groups.

    Attributes:
        first: Over ordered pairs of two different images of the first set, `[groups, groups]`.
        second: Of the second set.
        cross: Over pairs of one of each.
        first_counts: Images of the first set, `[groups]`.
        second_counts: Of the second.
    """

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    cross: NDArray[np.float64]
    first_counts: NDArray[np.int64]
    second_counts: NDArray[np.int64]

    def distance(self, left_out: int | None = None) -> float:
        """The unbiased estimate, without one of the groups if `left_out` names it.

        Returns:
            Not a number with fewer than 2 images in a set.
        """
        kept = np.arange(len(self.first_counts)) != (-1 if left_out is None else left_out)
        first = int(self.first_counts[kept].sum())
        second = int(self.second_counts[kept].sum())
        if min(first, second) < 2:
            return math.nan
        pairs = np.ix_(kept, kept)
        within_first = float(self.first[pairs].sum()) / (first * (first - 1))
        within_second = float(self.second[pairs].sum()) / (second * (second - 1))
        between = float(self.cross[pairs].sum()) / (first * second)
        return within_first + within_second - 2.0 * between


def kernel_sums(
    first: NDArray[Any],
    second: NDArray[Any],
    first_groups: NDArray[Any],
    second_groups: NDArray[Any],
    groups: int,
) -> KernelSums:
    """Sums the kernel over all pairs, block by block.

    Args:
        first: Features `[images, dimensions]`.
        second: Features of the other set, by the same network.
        first_groups: The images' groups, `[images]`, in [0, groups).
        second_groups: The same of the other set.
        groups: How many.

    Raises:
        DataError: The features differ in dimensions.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise DataError(
            "features of two sets of images do not compare",
            found=f"{first.shape} and {second.shape}",
            expected="[images, dimensions], the same dimensions",
        )
    return KernelSums(
        first=_pair_sums(first, first, first_groups, first_groups, groups, same=True),
        second=_pair_sums(second, second, second_groups, second_groups, groups, same=True),
        cross=_pair_sums(first, second, first_groups, second_groups, groups, same=False),
        first_counts=np.bincount(first_groups, minlength=groups),
        second_counts=np.bincount(second_groups, minlength=groups),
    )


def kernel_distance(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The distance of features `[images, dimensions]` of two sets.

    Returns:
        Around 0 for sets of the same distribution, negative at times; not a number with fewer than
        2 images in a set.

    Raises:
        DataError: The features differ in dimensions.
    """
    first_groups, second_groups = (np.zeros(len(one), np.int64) for one in (first, second))
    return kernel_sums(first, second, first_groups, second_groups, groups=1).distance()


def _pair_sums(
    first: NDArray[Any],
    second: NDArray[Any],
    first_groups: NDArray[Any],
    second_groups: NDArray[Any],
    groups: int,
    *,
    same: bool,
) -> NDArray[np.float64]:
    """`[groups, groups]`; of the same set twice, without the pairs of an image with itself."""
    first_members, second_members = np.eye(groups)[first_groups], np.eye(groups)[second_groups]
    second_values = second.astype(np.float64)
    sums = np.zeros((groups, groups))
    for start in range(0, len(first), _BLOCK):
        rows = first[start : start + _BLOCK].astype(np.float64)
        kernel = (rows @ second_values.T / max(1, first.shape[1]) + 1.0) ** 3
        if same:
            own = np.arange(len(rows))
            kernel[own, start + own] = 0.0
        sums += first_members[start : start + _BLOCK].T @ kernel @ second_members
    return sums
