"""The outline of an object in its three forms, brought to one: COCO's compressed run lengths.

`segmentation` is a list of polygons; or `{"size": [h, w], "counts": …}` with run lengths, column by
column, as a list of numbers (crowds) or as COCO's compressed text. pycocotools makes masks of
polygons, so that they are the official evaluator's to the pixel; it trusts its input, which
therefore is checked here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pycocotools import mask as coco_mask

from components.example_gens.record_source import RecordError

# Three points.
_MIN_COORDINATES = 6
# The compressed text: 5 bits a character from `0` on, the least ones first; the sixth: more follow.
_ZERO, _BITS, _DATA, _SIGN, _MORE = 48, 5, 0x1F, 0x10, 0x20


def compressed_mask(segmentation: Any, height: int, width: int, described: str) -> bytes:
    """The mask of an object.

    Args:
        segmentation: As it stands in the file.
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        described: Names the annotation in errors.

    Returns:
        COCO's compressed run lengths, `counts` of a segmentation of the picture's size.

    Raises:
        RecordError: It is no mask of that size; `polygon`, where it is no outline of an area,
            concerns the object alone.
    """
    if isinstance(segmentation, list):
        _refuse_polygons(segmentation, described)
        parts = coco_mask.frPyObjects(segmentation, height, width)
        return bytes(coco_mask.merge(parts)["counts"])
    if not isinstance(segmentation, dict):
        raise _malformed(described, f"{type(segmentation).__name__}")
    if segmentation.get("size") != [height, width]:
        raise RecordError(
            "rle_size",
            f"the run lengths of {described} are of another size than its picture",
            found=f"height, width = {segmentation.get('size')}",
            expected=f"[{height}, {width}]",
            fix="the annotation belongs to another picture, or the picture was resized; use the "
            "official pictures",
        )
    counts = _run_lengths(segmentation, described)
    if any(type(one) is not int or one < 0 for one in counts) or sum(counts) != height * width:
        raise RecordError(
            "rle_counts",
            f"the run lengths of {described} do not cover its picture",
            found=_summary(counts),
            expected=f"numbers of 0 or more that add up to {height} x {width} = {height * width}",
            fix="download the annotations again",
        )
    plain = {"size": [height, width], "counts": list(counts)}
    return bytes(coco_mask.frPyObjects(plain, height, width)["counts"])


def decode_run_lengths(text: str) -> list[int]:
    """The numbers of COCO's compressed text.

    Raises:
        ValueError: It is cut off, or holds other characters.
    """
    numbers: list[int] = []
    value = shift = 0
    for character in text.encode("latin-1"):
        code = character - _ZERO
        if not 0 <= code < 2 * _MORE:
            raise ValueError(f"the character {chr(character)!r}")
        value |= (code & _DATA) << shift
        shift += _BITS
        if code & _MORE:
            continue
        if code & _SIGN:
            value -= 1 << shift
        # From the third on, the difference from the last but one; the first is whole.
        numbers.append(value + (numbers[-2] if len(numbers) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the end of the text within a number")
    return numbers


def _run_lengths(segmentation: Mapping[str, Any], described: str) -> Sequence[Any]:
    counts = segmentation.get("counts")
    if isinstance(counts, list):
        return counts
    if not isinstance(counts, str):
        raise _malformed(described, f"`counts` is {type(counts).__name__}")
    try:
        return decode_run_lengths(counts)
    except (ValueError, UnicodeEncodeError) as error:
        raise RecordError(
            "rle_counts",
            f"the compressed run lengths of {described} cannot be read",
            found=str(error),
            expected="COCO's compressed text",
            fix="download the annotations again",
        ) from error


def _refuse_polygons(polygons: list[Any], described: str) -> None:
    for polygon in polygons:
        if not isinstance(polygon, list) or not all(type(one) in (int, float) for one in polygon):
            raise _malformed(described, "a polygon that is no list of numbers")
        if not all(math.isfinite(one) for one in polygon):
            raise _polygon(described, "a coordinate that is not finite")
        if len(polygon) < _MIN_COORDINATES or len(polygon) % 2:
            raise _polygon(described, f"a polygon of {len(polygon)} numbers")
    if not polygons:
        raise _polygon(described, "no polygon")


def _polygon(described: str, found: str) -> RecordError:
    return RecordError(
        "polygon",
        f"the outline of {described} encloses no area",
        found=found,
        expected="polygons x1, y1, x2, y2, … of three points or more",
        fix="correct the outline, or take the annotation out of the file",
    )


def _malformed(described: str, found: str) -> RecordError:
    return RecordError(
        "segmentation",
        f"the segmentation of {described} is of no known form",
        found=found,
        expected="a list of polygons, or an object with `size` and `counts`",
        fix="download the annotations again",
    )


def _summary(counts: Sequence[Any]) -> str:
    wrong = [one for one in counts if type(one) is not int or one < 0]
    return f"the number {wrong[0]!r}" if wrong else f"{len(counts)} numbers, in all {sum(counts)}"
