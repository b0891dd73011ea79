"""The Fréchet distance between two Gaussians that are fitted to features.

Heusel et al. 2017 (TTUR), equation 6:
`|m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2))`, with the sample covariance (n - 1), as the
authors' `fid.py` and pytorch-fid compute it.

The trace of the root is the sum of the singular values of `A1^T A2`, where `C = A A^T`. The
authors take `scipy.linalg.sqrtm` of the product, which is not symmetric: of a rank-deficient
product it returns complex numbers, or none, and they then add 1e-6 to the diagonals. Singular
values need no such offset, and their error is of the order of float64's rounding, not of its root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError

# A covariance of fewer images has no more ranks than images.
SMALLEST_COUNT = 2


@dataclass(frozen=True, eq=False)
class FeatureMoments:
    """Count, mean and scatter of features, which add up exactly as their images would.

    Attributes:
        count: Images.
        mean: float64 `[dimensions]`; None without images.
        scatter: float64 `[dimensions, dimensions]`, the sum over the images of the outer product of
            the distance to the mean with itself; None without images.
    """

    count: int = 0
    mean: NDArray[np.float64] | None = None
    scatter: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, features: NDArray[Any]) -> FeatureMoments:
        """The moments of features `[images, dimensions]`.

        Raises:
            DataError: The features are no matrix.
        """
        if features.ndim != 2:
            raise DataError(
                "features are no matrix", found=features.shape, expected="[images, dimensions]"
            )
        if not len(features):
            return cls()
        values = features.astype(np.float64)
        mean = values.mean(axis=0)
        centred = values - mean
        return cls(len(values), mean, centred.T @ centred)

    def merge(self, other: FeatureMoments) -> FeatureMoments:
        """The moments of the images of both (Chan, Golub, LeVeque 1979)."""
        if self.mean is None or self.scatter is None:
            return other
        if other.mean is None or other.scatter is None:
            return self
        if self.mean.shape != other.mean.shape:
            raise DataError(
                "features of different networks cannot be merged",
                found=f"{other.mean.size} dimensions",
                expected=f"{self.mean.size} dimensions",
            )
        count = self.count + other.count
        step = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(step * (self.count * other.count / count), step)
        return FeatureMoments(count, self.mean + step * (other.count / count), scatter)

    @property
    def dimensions(self) -> int:
        """Features of an image; 0 without images."""
        return 0 if self.mean is None else self.mean.size

    @property
    def is_finite(self) -> bool:
        """Whether no feature was infinite or not a number."""
        if self.mean is None or self.scatter is None:
            return True
        return bool(np.all(np.isfinite(self.mean)) and np.all(np.isfinite(self.scatter)))

    def gaussian(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean `[dimensions]` and sample covariance `[dimensions, dimensions]`.

        Raises:
            DataError: There are fewer than 2 images, or a feature is not finite.
        """
        if self.count < SMALLEST_COUNT or self.mean is None or self.scatter is None:
            raise DataError(
                "too few images for a covariance",
                found=self.count,
                expected=f"{SMALLEST_COUNT} or more",
                fix="evaluate on more records",
            )
        if not self.is_finite:
            raise DataError(
                "features of images are not finite",
                found=f"of {self.count} images",
                expected="finite numbers",
                fix="look at the images: the generator may have diverged",
            )
        return self.mean, self.scatter / (self.count - 1)


def frechet_distance(first: FeatureMoments, second: FeatureMoments) -> float:
    """The distance of two sets of images.

    Args:
        first: Moments of one set's features, 2 images or more.
        second: Of the other's, by the same network.

    Returns:
        0 or more; with few images it is biased upwards, so only distances over equally many images
        compare.

    Raises:
        DataError: Too few images, features that are not finite, or of different networks.
    """
    first_mean, first_covariance = first.gaussian()
    second_mean, second_covariance = second.gaussian()
    return gaussian_frechet_distance(first_mean, first_covariance, second_mean, second_covariance)


def gaussian_frechet_distance(
    first_mean: NDArray[Any],
    first_covariance: NDArray[Any],
    second_mean: NDArray[Any],
    second_covariance: NDArray[Any],
) -> float:
    """The distance of two Gaussians, for means `[d]` and covariances `[d, d]` that are stored.

    Raises:
        DataError: Their shapes differ.
    """
    shapes = [np.shape(one) for one in (first_mean, first_covariance)]
    others = [np.shape(one) for one in (second_mean, second_covariance)]
    if shapes != others or shapes[1] != shapes[0] * 2:
        raise DataError(
            "means and covariances do not belong together",
            found=f"{shapes} and {others}",
            expected="[d] and [d, d], twice",
        )
    product = _factor(first_covariance).T @ _factor(second_covariance)
    root_trace = float(np.sum(np.linalg.svd(product, compute_uv=False)))
    difference = np.asarray(first_mean, np.float64) - np.asarray(second_mean, np.float64)
    traces = float(np.trace(first_covariance) + np.trace(second_covariance))
    # Rounding alone makes it negative, where both are the same.
    return max(0.0, float(difference @ difference) + traces - 2.0 * root_trace)


def small_sample_warning(count: int, dimensions: int) -> str:
    """What to say of a covariance of that many images; empty where there is nothing to say."""
    if count > dimensions:
        return ""
    return (
        f"{count} images for {dimensions} features: the covariance lacks ranks and the distance is"
        f" biased upwards; take more than {dimensions} images"
    )


def _factor(covariance: NDArray[Any]) -> NDArray[np.float64]:
    """`A` `[d, rank]` with `A A^T` = covariance.

    Eigenvalues that rounding alone explains are left out: their roots are 1e8 times larger than
    they are, and there is one for each rank that is missing.
    """
    values, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    return vectors[:, kept] * np.sqrt(values[kept])
