"""How far a long piece of work is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

PLAIN_PROGRESS_SECONDS = 10.0

Unit = Literal["bytes", "records"]


class Update(Protocol):
    """Told how much is done, and how much there is in all where that was not known before."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Takes both, in the unit of the work."""


class ProgressView:
    """Says things, and shows how far work is."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """Writes a line, above the bar if there is one."""
        self._console.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def work(self, label: str, total: int, unit: Unit, done: int = 0) -> Iterator[Update]:
        """Shows a piece of work.

        Args:
            label: What is being done.
            total: All of it, in the unit, as far as it is known yet.
            unit: What is counted.
            done: What earlier work has done already.

        Yields:
            The function to tell how much is done.
        """
        if not self._console.is_terminal:
            yield _PlainLines(self.say, label, total, unit, done)
            return
        with Progress(*_columns(unit), console=self._console) as bar:
            task = bar.add_task(label, total=total, completed=done)
            yield lambda now, total=None: bar.update(task, completed=now, total=total)


class _PlainLines:
    """A line every few seconds, with rate and time left."""

    def __init__(
        self, say: Callable[[str], None], label: str, total: int, unit: Unit, done: int
    ) -> None:
        self._say = say
        self._label = label
        self._total = total
        self._unit = unit
        self._first = done
        self._finished = False
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int | None = None) -> None:
        """Says how far it is, if it is time to, or all is done."""
        self._total = self._total if total is None else total
        now = time.monotonic()
        finishes = done == self._total and not self._finished
        if now - self._last < PLAIN_PROGRESS_SECONDS and not finishes:
            return
        self._finished = done == self._total
        # After going back to the start, the rate is that of what is there now.
        self._first = min(self._first, done)
        rate = (done - self._first) / max(now - self._start, 1e-3)
        left = f"{(self._total - done) / rate:.0f} s left" if rate and done < self._total else ""
        unit = "" if self._unit == "bytes" else f" {self._unit}"
        done_of_all = f"{_amount(done, self._unit)} of {_amount(self._total, self._unit)}{unit}"
        parts = (done_of_all, f"{_amount(int(rate), self._unit)}{unit}/s", left)
        self._say(f"{self._label}  " + " · ".join(part for part in parts if part))
        self._last = now


def _amount(number: int, unit: Unit) -> str:
    return decimal(number) if unit == "bytes" else f"{number:,}"


def _columns(unit: Unit) -> list[ProgressColumn]:
    name, bar, left = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    if unit == "bytes":
        return [name, bar, DownloadColumn(), TransferSpeedColumn(), left]
    return [name, bar, MofNCompleteColumn(), left]
