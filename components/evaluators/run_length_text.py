"""COCO's compressed text of run lengths, the `counts` of a segmentation.

Six bits a character from `0` on: five are a digit, least significant first, and the sixth says that
the number goes on. The last digit's highest bit is the sign. From the fourth length on the text
holds the difference to the length two before, which is of the same kind: in the mask, or not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError

_FIRST_CHARACTER, _DIGIT, _GOES_ON, _NEGATIVE, _DIGIT_BITS = 48, 0x1F, 0x20, 0x10, 5
# Seven digits hold any length of an image that fits into memory; more would overflow unnoticed.
_MOST_DIGITS = 7


def read_run_lengths(texts: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Reads the texts of some masks, all at once.

    Returns:
        The lengths of all masks, mask by mask, and how many each has, `[masks]`.

    Raises:
        DataError: A text is none of COCO's.
    """
    sizes = np.array([len(text) for text in texts], np.int64)
    ends = np.cumsum(sizes)
    # Below `0` it wraps round to a large number.
    characters = np.frombuffer(b"".join(texts), np.uint8) - np.uint8(_FIRST_CHARACTER)
    is_last = (characters & _GOES_ON) == 0
    last = np.flatnonzero(is_last)
    digits = np.diff(last, prepend=-1)
    final = ends[sizes > 0] - 1
    wrong = np.concatenate(
        [
            np.flatnonzero(characters >= 2 * _GOES_ON),
            final[~is_last[final]],
            last[digits > _MOST_DIGITS],
        ]
    )
    if wrong.size:
        place = np.searchsorted(ends, wrong[0], side="right")
        raise DataError(
            f"the text of mask {place} is none of COCO's",
            found=texts[place][:40],
            expected="`counts` of a segmentation, compressed",
        )
    counts = np.diff(np.searchsorted(last, ends), prepend=0)
    return _without_differences(_read_numbers(characters, last, digits), counts), counts


def _read_numbers(
    characters: NDArray[np.uint8], last: NDArray[np.int64], digits: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The numbers that end with some characters and have so many digits."""
    numbers = np.zeros(last.size, np.int64)
    for place in range(int(digits.max(initial=0))):
        longer = np.flatnonzero(digits > place)
        digit = characters[last[longer] - digits[longer] + 1 + place] & _DIGIT
        numbers[longer] += digit.astype(np.int64) << (_DIGIT_BITS * place)
    negative = np.flatnonzero(characters[last] & _NEGATIVE)
    numbers[negative] -= 1 << (_DIGIT_BITS * digits[negative])
    return numbers


def _without_differences(
    numbers: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Adds up the two chains of each text, at odd places and at even ones but the first."""
    place = np.arange(numbers.size) - np.repeat(np.cumsum(counts) - counts, counts)
    lengths = numbers.copy()
    for chain, members in (
        (place % 2 == 1, counts // 2),
        ((place % 2 == 0) & (place > 0), np.maximum(counts - 1, 0) // 2),
    ):
        totals = np.concatenate([[0], np.cumsum(numbers[chain])])
        lengths[chain] = totals[1:] - np.repeat(totals[np.cumsum(members) - members], members)
    return lengths
