"""The error a user can act on, out of a chain of causes."""

from __future__ import annotations

from components.errors import PapergardenError


def our_error(error: BaseException) -> PapergardenError | None:
    """The first of ours among an error and its causes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PapergardenError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def last_words(error: BaseException) -> str:
    """What one of ours says, else the last line of the traceback."""
    return str(our_error(error) or f"{type(error).__name__}: {error}")
