"""The cyclic learning rate against Smith's formula in float64, and its choice by the experiment."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.schedules import Cyclic, StepsWithWarmup, rate_schedule

# Arithmetic of four float32 roundings.
TOLERANCE = 4 * 2.0**-24


def smiths_rate(step: int, base: float, maximum: float, step_size: float, policy: str) -> float:
    """Section 3.1 of arXiv 1506.01186, in float64."""
    cycle = math.floor(1 + step / (2 * step_size))
    x = abs(step / step_size - 2 * cycle + 1)
    amplitude = (maximum - base) / (2 ** (cycle - 1) if policy == "triangular2" else 1)
    return base + amplitude * max(0.0, 1 - x)


@pytest.mark.parametrize("policy", ["triangular", "triangular2"])
@pytest.mark.parametrize("cycle_steps", [2, 7, 782, 3910])
def test_rates_are_smiths(cycle_steps: int, policy: str) -> None:
    schedule = Cyclic(0.05, 0.4, cycle_steps, policy)
    boundaries = [cycle_steps * k // 2 + d for k in range(13) for d in (-1, 0, 1)]
    random = np.random.default_rng(1).integers(0, 6 * cycle_steps, 100).tolist()
    for step in {*boundaries, *random} - {-1}:
        expected = smiths_rate(step, 0.05, 0.4, cycle_steps / 2, policy)
        assert float(schedule(step)) == pytest.approx(expected, rel=TOLERANCE), step


def test_ends_of_a_cycle_are_exact() -> None:
    base, maximum = 0.03, 0.7
    schedule = Cyclic(base, maximum, 10)
    for cycle in (0, 1, 1000, 2**40):
        assert schedule(10 * cycle).numpy() == np.float32(base)
        assert schedule(10 * cycle + 5).numpy() == np.float32(maximum)
    assert schedule(3).numpy() == schedule(7).numpy()


def test_triangular2_halves_the_rise() -> None:
    schedule = Cyclic(0.1, 0.9, 4, "triangular2")
    peaks = [float(schedule(4 * cycle + 2)) for cycle in range(4)]
    np.testing.assert_allclose(peaks, [0.9, 0.5, 0.3, 0.2], rtol=TOLERANCE)


def test_arguments_make_the_same_schedule_again() -> None:
    first = Cyclic(0.1, 0.9, 6, "triangular2")
    again = Cyclic(**first.get_config())
    assert [float(first(step)) for step in range(20)] == [float(again(step)) for step in range(20)]


def test_experiment_chooses_the_schedule_and_counts_in_epochs() -> None:
    steps = rate_schedule(OnlyBatchNormExperiment(), 0.1, 391)
    assert isinstance(steps, StepsWithWarmup)
    assert steps.milestones == (80 * 391, 120 * 391)
    experiment = OnlyBatchNormExperiment(schedule="cyclic", cycle_epochs=6, cycle_base_factor=0.25)
    cyclic = rate_schedule(experiment, 0.2, 100)
    assert isinstance(cyclic, Cyclic)
    assert cyclic.get_config() == {
        "base": 0.05,
        "maximum": 0.2,
        "cycle_steps": 600,
        "policy": "triangular",
    }
