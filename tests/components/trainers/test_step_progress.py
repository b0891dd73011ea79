"""Speed, time left and the rate of reports, on a clock that the test moves."""

import logging

import pytest

from components.trainers import step_progress
from components.trainers.step_progress import StepProgress


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(step_progress, "time", clock)
    return clock


@pytest.fixture
def reports(caplog):
    caplog.set_level(logging.INFO, "papergarden.progress")
    return lambda: [record.progress for record in caplog.records]


def test_first_step_is_flagged_and_left_out_of_the_speed(clock, reports):
    progress = StepProgress(10, 30)
    clock.now += 3.0
    progress.announce_compilation()
    clock.now += 5.0
    assert progress.due
    progress.report(11, {"loss": 1.0})
    assert progress.first_step_seconds == 5.0
    assert reports() == [
        {"step": 10, "total": 30, "phase": "compile"},
        {
            "step": 11,
            "total": 30,
            "phase": "train",
            "eta_seconds": None,
            "steps_per_second": None,
            "loss": 1.0,
        },
    ]


def test_pauses_count_for_the_time_left_but_not_for_the_speed(clock, reports):
    progress = StepProgress(0, 11)
    progress.announce_compilation()
    progress.report(1, {})
    clock.now += 2.0
    with progress.paused():
        clock.now += 8.0
    progress.report(5, {})
    assert reports()[-1]["steps_per_second"] == 2.0
    assert reports()[-1]["eta_seconds"] == 15.0
    assert progress.seconds == 10.0


def test_at_most_four_reports_a_second_and_always_the_last(clock, reports):
    progress = StepProgress(0, 100)
    progress.announce_compilation()
    for step in range(1, 101):
        clock.now += 0.01
        progress.report(step, {})
    steps = [report["step"] for report in reports()]
    assert steps[-1] == 100 and 5 <= len(steps) <= 7
    assert progress.steps_per_second == pytest.approx(100.0)


def test_numbers_cannot_hide_the_step(clock, reports):
    progress = StepProgress(0, 5)
    progress.announce_compilation()
    progress.report(1, {"step": 99.0})
    assert reports()[-1]["step"] == 1
