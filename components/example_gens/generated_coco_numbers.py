"""Which pictures of a generated set are evaluated on, and the ids that its pictures have."""

from __future__ import annotations

# Every so many-th picture is in val2017.
EVAL_EVERY = 4
# With gaps, as COCO's.
_FIRST, _STEP = 1000, 37


def is_evaluated(number: int) -> bool:
    """Whether a picture, counted from 0, is in val2017."""
    return number % EVAL_EVERY == EVAL_EVERY - 1


def image_id(number: int) -> int:
    """The image id of a picture, counted from 0."""
    return _FIRST + _STEP * number


def may_be_generated(evaluated_id: int) -> bool:
    """Whether a picture of val2017 has an id as generated ones have it; one of 148 others has."""
    number, rest = divmod(evaluated_id - _FIRST, _STEP)
    return number >= 0 and rest == 0 and is_evaluated(number)
