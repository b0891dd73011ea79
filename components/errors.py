"""The one family of errors that Papergarden raises on purpose."""

from __future__ import annotations


class PapergardenError(Exception):
    """An error a user can act on: what happened, what was found, what was expected, how to fix it.

    Args:
        what: What happened, naming the file, record, setting or node.
        found: The offending value.
        expected: What would have been accepted.
        fix: What the user can do about it.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        found: object = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.found = found
        self.expected = expected
        self.fix = fix
        lines = [what]
        if found is not None:
            lines.append(f"  found:    {found}")
        if expected is not None:
            lines.append(f"  expected: {expected}")
        if fix is not None:
            lines.append(f"  fix:      {fix}")
        super().__init__("\n".join(lines))


class ConfigError(PapergardenError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 2


class DataError(PapergardenError):
    """A file or record of the data set cannot be used."""


class TrainingError(PapergardenError):
    """Training cannot go on, for example because a loss is not finite."""


class RunError(PapergardenError):
    """A run cannot start or go on: its root is in use or not writable, a node failed."""


class StackError(PapergardenError):
    """The machine or its packages cannot do what was asked."""


class Preempted(PapergardenError):
    """The process was asked to stop and has saved its state; another run goes on from there."""

    exit_code = 75
