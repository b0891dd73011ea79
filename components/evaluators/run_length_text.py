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
    characters = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64) - _FIRST_CHARACTER
    text_of = np.repeat(np.arange(len(texts)), sizes)
    goes_on = (characters & _GOES_ON) != 0
    last = np.flatnonzero(~goes_on)
    digits = np.diff(last, prepend=-1)
    final = np.cumsum(sizes)[sizes > 0] - 1
    wrong = np.concatenate(
        [
            text_of[(characters < 0) | (characters >= 2 * _GOES_ON)],
            text_of[final[goes_on[final]]],
            text_of[last[digits > _MOST_DIGITS]],
        ]
    )
    if wrong.size:
        raise DataError(
            f"the text of mask {wrong[0]} is none of COCO's",
            found=texts[wrong[0]][:40],
            expected="`counts` of a segmentation, compressed",
        )
    if not last.size:
        return np.zeros(0, np.int64), np.zeros(len(texts), np.int64)
    place = np.arange(characters.size) - np.repeat(last - digits + 1, digits)
    numbers = np.add.reduceat((characters & _DIGIT) << (_DIGIT_BITS * place), last - digits + 1)
    numbers -= ((characters[last] & _NEGATIVE) != 0) * (1 << (_DIGIT_BITS * digits))
    counts = np.bincount(text_of[last], minlength=len(texts))
    return _without_differences(numbers, counts), counts


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
