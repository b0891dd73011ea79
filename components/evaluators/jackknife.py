"""Confidence intervals by leaving out one group of images at a time.

A bootstrap of a Fréchet distance would need all features and hundreds of decompositions of
matrices. The images of a number of groups, each group accumulated apart, give as many estimates
without one group as there are groups; those vary in a known proportion to the estimate itself
(Quenouille 1956, Tukey 1958; Shao and Wu 1989 for groups). Groups follow from the images, so the
interval is the same in every evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95


def jackknife_interval(
    estimate: float, leaving_out: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval around an estimate.

    Args:
        estimate: From all groups.
        leaving_out: The estimate without each group, of about equally many images.
        confidence: How often the interval should hold the true value.

    Returns:
        Lowest and highest value, symmetric, with Student's factor for the few groups; not a number
        with fewer than 2 groups or where an estimate is not one.
    """
    # Imported here: the measures import with numpy alone.
    from scipy.special import stdtrit

    groups = len(leaving_out)
    values = np.asarray(leaving_out, np.float64)
    if groups < 2 or not math.isfinite(estimate) or not np.all(np.isfinite(values)):
        return math.nan, math.nan
    variance = (groups - 1) / groups * float(np.sum((values - values.mean()) ** 2))
    margin = float(stdtrit(groups - 1, (1.0 + confidence) / 2.0)) * math.sqrt(variance)
    return estimate - margin, estimate + margin
