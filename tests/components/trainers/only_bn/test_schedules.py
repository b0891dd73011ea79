"""The paper's learning rates at their boundaries."""

from __future__ import annotations

import pytest

from components.trainers.only_bn.schedules import StepsWithWarmup


def test_a_milestones_own_update_has_the_lower_rate() -> None:
    schedule = StepsWithWarmup(0.1, [3, 5])
    rates = [float(schedule(step)) for step in range(7)]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rel=1e-6)


def test_warmup_starts_at_exactly_zero_and_meets_the_full_rate() -> None:
    schedule = StepsWithWarmup(0.4, [100], warmup_steps=4)
    rates = [float(schedule(step)) for step in range(6)]
    assert rates[0] == 0.0
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.4], rel=1e-6)


def test_a_milestone_within_the_warmup_multiplies_it() -> None:
    schedule = StepsWithWarmup(1.0, [2], factor=0.5, warmup_steps=4)
    assert [float(schedule(step)) for step in (1, 2, 4)] == pytest.approx([0.25, 0.25, 0.5])


def test_no_milestone_leaves_the_rate() -> None:
    assert float(StepsWithWarmup(0.3, [])(10**9)) == pytest.approx(0.3)


def test_milestones_beyond_float32s_whole_numbers_count() -> None:
    schedule = StepsWithWarmup(1.0, [2**24 + 1])
    assert [float(schedule(2**24 + n)) for n in (0, 1)] == pytest.approx([1.0, 0.1])


def test_arguments_make_the_same_schedule_again() -> None:
    first = StepsWithWarmup(0.4, [30, 60], factor=0.2, warmup_steps=5)
    again = StepsWithWarmup(**first.get_config())
    steps = (0, 3, 5, 29, 30, 61)
    assert [float(again(step)) for step in steps] == [float(first(step)) for step in steps]
