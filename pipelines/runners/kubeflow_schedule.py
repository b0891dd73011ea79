"""Schedules of recurring runs: the usual five fields of cron, or Kubeflow's six.

Kubeflow's first field is the second. It also takes five fields, but as second, minute, hour, day
and month: `0 3 * * 1` would start a run every minute of January. So five fields get their second
here, and what Kubeflow would refuse is refused before anything is sent. The grammar is that of
github.com/robfig/cron, version 1, which Kubeflow reads schedules with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.errors import ConfigError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_RANGE = re.compile(r"(\*|\?|\w+)(?:-(\w+))?(?:/(\d+))?", re.ASCII)


@dataclass(frozen=True)
class Field:
    """A field of a schedule.

    Attributes:
        name: What it counts.
        first: Its smallest value.
        last: Its largest value.
        words: Names of its values, from the first one on.
    """

    name: str
    first: int
    last: int
    words: tuple[str, ...] = ()

    def values(self, text: str) -> set[int]:
        """The values that the field's text stands for.

        Raises:
            ConfigError: If it stands for none.
        """
        found: set[int] = set()
        for part in text.split(","):
            match = _RANGE.fullmatch(part)
            if match is None:
                raise self._unreadable(part)
            low, high, step = match.groups()
            if low in ("*", "?"):
                if high is not None:
                    raise self._unreadable(part)
                start, end = self.first, self.last
            else:
                start = self._number(low, part)
                # `5/15` goes on to the last one.
                alone = start if step is None else self.last
                end = alone if high is None else self._number(high, part)
            if start > end or step == "0":
                raise self._unreadable(part)
            found.update(range(start, end + 1, int(step or 1)))
        return found

    def _number(self, text: str, part: str) -> int:
        if text.lower() in self.words:
            return self.words.index(text.lower()) + self.first
        if not text.isdecimal() or not self.first <= int(text) <= self.last:
            raise self._unreadable(part)
        return int(text)

    def _unreadable(self, part: str) -> ConfigError:
        words = f", or {self.words[0].upper()} to {self.words[-1].upper()}" if self.words else ""
        return ConfigError(
            f"--schedule: the {self.name} cannot be read",
            found=part,
            expected=f"{self.first} to {self.last}{words}; as *, 5, 1-5, */10 or 1,15",
        )


FIELDS = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of the week", 0, 6, DAYS),
)


def parse_schedule(text: str) -> str:
    """The schedule as Kubeflow takes it, second first.

    Args:
        text: Five fields (minute, hour, day of the month, month, day of the week), six with the
            second before them, or a word like `@daily`.

    Raises:
        ConfigError: If it is no schedule, or one that never comes.
    """
    parts = text.split()
    if len(parts) == 1 and parts[0] in DESCRIPTORS:
        return parts[0]
    if len(parts) == len(FIELDS) - 1:
        parts = ["0", *parts]
    if len(parts) != len(FIELDS):
        raise ConfigError(
            "--schedule is no cron expression",
            found=text,
            expected="five fields, minute hour day month weekday, as '0 3 * * MON'; six with the "
            f"second before them; or {' '.join(DESCRIPTORS)}",
        )
    values = [field.values(part) for field, part in zip(FIELDS, parts, strict=True)]
    *_, days, months, _ = values
    any_weekday = parts[-1][0] in "*?"
    if any_weekday and not any(min(days) <= DAYS_OF_MONTH[month - 1] for month in months):
        raise ConfigError(
            "--schedule never comes", found=text, expected="a day that one of its months has"
        )
    return " ".join(parts)
