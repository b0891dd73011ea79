"""What a resolver raised: TFX logs it, marks the execution as failed, and raises nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from components.errors import PapergardenError


class _Collector(logging.Handler):
    def __init__(self, found: list[PapergardenError]) -> None:
        super().__init__(logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps an error of ours that was logged, or that another was raised from."""
        error = record.exc_info[1] if record.exc_info else None
        while error is not None:
            if isinstance(error, PapergardenError):
                self._found.append(error)
                return
            error = error.__cause__


@contextmanager
def resolver_errors() -> Iterator[list[PapergardenError]]:
    """The errors of ours that TFX logs meanwhile."""
    found: list[PapergardenError] = []
    handler = _Collector(found)
    logger = logging.getLogger("absl")
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
