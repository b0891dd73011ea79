"""How fast training goes and when it will be done."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

logger = logging.getLogger("papergarden.progress")

_SECONDS_BETWEEN_REPORTS = 0.25


class StepProgress:
    """Measures steps and reports them to the logger that feeds the live table.

    The first step, in which TensorFlow traces and compiles, is measured apart.

    Args:
        first_step: Updates already made when this process starts.
        steps: Updates to make in all.
    """

    def __init__(self, first_step: int, steps: int) -> None:
        self._first_step = first_step
        self._steps = steps
        self._started = time.monotonic()
        self._compile_started = self._started
        self._compiled: float | None = None
        self._paused = 0.0
        self._reported = -_SECONDS_BETWEEN_REPORTS
        self._measured_steps = 0
        self._measured_seconds = 0.0
        self.first_step_seconds: float | None = None

    @property
    def seconds(self) -> float:
        """Time since the start, everything included."""
        return time.monotonic() - self._started

    @property
    def steps_per_second(self) -> float | None:
        """Speed without the first step, summaries and checkpoints; None before it is known."""
        if not self._measured_steps:
            return None
        return self._measured_steps / self._measured_seconds

    @property
    def due(self) -> bool:
        """Whether it is time for a report: after the first step, then four times a second."""
        now = time.monotonic()
        return self._compiled is None or now - self._reported >= _SECONDS_BETWEEN_REPORTS

    def announce_compilation(self) -> None:
        """Says that the first step, which takes much longer than the others, begins."""
        self._compile_started = time.monotonic()
        self._log({"step": self._first_step, "total": self._steps, "phase": "compile"})

    def report(self, step: int, numbers: Mapping[str, float]) -> None:
        """Notes that the device has finished `step` updates, and says so if it is time to.

        Args:
            step: Updates made so far.
            numbers: The newest losses and scores, to be shown beside the step.
        """
        now, due = time.monotonic(), self.due or step == self._steps
        if self._compiled is None:
            self._compiled = now
            self.first_step_seconds = now - self._compile_started
            self._paused = 0.0
        done = step - self._first_step - 1
        self._measured_steps = done
        self._measured_seconds = now - self._compiled - self._paused
        if not due:
            return
        self._reported = now
        eta = (now - self._compiled) / done * (self._steps - step) if done else None
        self._log(
            {
                **numbers,
                "step": step,
                "total": self._steps,
                "phase": "train",
                "eta_seconds": eta,
                "steps_per_second": self.steps_per_second,
            }
        )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves what happens inside out of the speed."""
        begun = time.monotonic()
        yield
        self._paused += time.monotonic() - begun

    def _log(self, progress: Mapping[str, object]) -> None:
        logger.info("step %(step)s of %(total)s", progress, extra={"progress": dict(progress)})
