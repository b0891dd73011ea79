"""Checks the objects of a picture: box, area, crowd flag, category, outline."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from components.example_gens import coco_features as keys
from components.example_gens.boxed_image_records import BoxXYWH, clip_box
from components.example_gens.coco_segmentation import compressed_mask
from components.example_gens.record_source import FeatureValue, RecordError

_FIX = "correct the annotation, or take it out of the file"
# Reasons that concern an object and leave the rest of its picture as good as it was.
OBJECT_REASONS = frozenset(
    {"box_not_finite", "negative_box", "degenerate_box", "box_outside_picture", "area", "polygon"}
)


class CocoObject(NamedTuple):
    """A checked object.

    Attributes:
        box: left, top, width, height; pixels, as the file has them.
        category: COCO's category id.
        area: Pixels, as the file has it.
        is_crowd: Whether it stands for many that were not told apart.
        mask: COCO's compressed run lengths.
    """

    box: BoxXYWH
    category: int
    area: float
    is_crowd: bool
    mask: bytes


@dataclass
class ObjectList:
    """The objects of a picture, and what became of the others.

    Attributes:
        objects: Those that can be used, in the order of the file.
        rejected: Why the others cannot.
        some_clipped: Whether a box passes the picture's edge; Transform cuts it there.
    """

    objects: list[CocoObject] = field(default_factory=list)
    rejected: list[RecordError] = field(default_factory=list)
    some_clipped: bool = False

    def features(self) -> dict[str, FeatureValue]:
        """The features `image/object/…`."""
        found = self.objects
        return {
            keys.OBJECT_BOX_XYWH: np.array([one.box for one in found], np.float32).reshape(-1),
            keys.OBJECT_CATEGORY: np.array([one.category for one in found], np.int64),
            keys.OBJECT_AREA: np.array([one.area for one in found], np.float32),
            keys.OBJECT_IS_CROWD: np.array([one.is_crowd for one in found], np.int64),
            keys.OBJECT_MASK_RLE: np.array([one.mask for one in found], np.bytes_),
        }


def check_objects(
    annotations: Sequence[Any],
    categories: Collection[int],
    height: int,
    width: int,
    described: str,
) -> ObjectList:
    """Checks the annotations of a picture.

    Args:
        annotations: Elements of `annotations`.
        categories: The ids that the file defines.
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        described: Names the picture in errors.

    Raises:
        RecordError: An annotation says something that cannot be of this picture; reasons of
            `OBJECT_REASONS` are returned instead.
    """
    found = ObjectList()
    for annotation in annotations:
        named = f"annotation {annotation.get('id')} of {described}"
        try:
            one = _checked(annotation, categories, height, width, named)
        except RecordError as error:
            if error.reason not in OBJECT_REASONS:
                raise
            found.rejected.append(error)
        else:
            found.objects.append(one)
            found.some_clipped |= clip_box(one.box, width, height) != one.box
    return found


def require_category(value: Any, categories: Collection[int], described: str) -> int:
    """The category id of an annotation or segment.

    Raises:
        RecordError: The file defines no such category.
    """
    if type(value) is int and value in categories:
        return value
    raise RecordError(
        "unknown_category",
        f"{described} has a category that its file does not define",
        found=value,
        expected="one of the ids of `categories`: " + _some(categories),
        fix="category ids stay as COCO has them, 1 to 200 with gaps; do not renumber them",
    )


def require_flag(value: Any, described: str) -> bool:
    """The crowd flag of an annotation or segment.

    Raises:
        RecordError: It is neither 0 nor 1.
    """
    if type(value) in (int, bool) and value in (0, 1):
        return bool(value)
    raise RecordError(
        "crowd_flag",
        f"{described} has no crowd flag",
        found=f"iscrowd = {value!r}",
        expected="0 or 1",
        fix="download the annotations again",
    )


def require_box(value: Any, height: int, width: int, described: str) -> BoxXYWH:
    """A box with an area inside the picture.

    Raises:
        RecordError: It is none: `box` where it is no four numbers, else a reason of
            `OBJECT_REASONS`.
    """
    numbers = type(value) is list and all(type(one) in (int, float) for one in value)
    if not numbers or len(value) != 4:
        raise RecordError(
            "box",
            f"the box of {described} is none",
            found=value,
            expected="[left, top, width, height]",
            fix="download the annotations again",
        )
    left, top, columns, rows = (float(one) for one in value)
    box = left, top, columns, rows
    inside = clip_box(box, width, height) if all(map(math.isfinite, box)) else box
    if not all(map(math.isfinite, box)):
        reason, expected = "box_not_finite", "finite numbers"
    elif columns < 0 or rows < 0:
        reason, expected = "negative_box", "[left, top, width, height], no negative side"
    elif columns == 0 or rows == 0:
        reason, expected = "degenerate_box", "a width and a height above 0"
    elif inside[2] <= 0 or inside[3] <= 0:
        reason, expected = "box_outside_picture", f"a part of it in {width} x {height} pixels"
    else:
        return box
    raise RecordError(
        reason, f"the box of {described} has no area", found=value, expected=expected, fix=_FIX
    )


def _checked(
    annotation: Any, categories: Collection[int], height: int, width: int, described: str
) -> CocoObject:
    category = require_category(annotation.get("category_id"), categories, described)
    is_crowd = require_flag(annotation.get("iscrowd", 0), described)
    box = require_box(annotation.get("bbox"), height, width, described)
    area = annotation.get("area")
    if type(area) not in (int, float) or not math.isfinite(area) or area < 0:
        raise RecordError(
            "area",
            f"the area of {described} is none",
            found=area,
            expected="pixels, 0 or more",
            fix=_FIX,
        )
    mask = compressed_mask(annotation.get("segmentation"), height, width, described)
    return CocoObject(box, category, float(area), is_crowd, mask)


def _some(categories: Collection[int]) -> str:
    listed = sorted(categories)
    return ", ".join(map(str, listed[:8])) + (" …" if len(listed) > 8 else "")
