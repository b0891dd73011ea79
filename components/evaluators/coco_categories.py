"""COCO's categories: which numbers there are, and which of them are things.

From `panoptic_coco_categories.json` of cocodataset/panopticapi: 80 things, the categories of
COCO's detection task, and 53 kinds of stuff. The numbers have gaps.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

_UNUSED_THINGS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})

COCO_THINGS = frozenset(range(1, 91)) - _UNUSED_THINGS
COCO_STUFF = frozenset(
    {92, 93, 95, 100, 107, 109, 112, 118, 119, 122, 125, 128, 130, 133, 138, 141, 144, 145, 147}
    | {148, 149, 151, 154, 155, 156, 159, 161, 166, 168, 171, 175, 176, 177, 178, 180, 181}
    | set(range(184, 201))
)


@dataclass(frozen=True)
class PanopticCategories:
    """The categories of a panoptic data set.

    Attributes:
        things: Numbers of what can be counted.
        stuff: Numbers of what cannot.
    """

    things: AbstractSet[int] = COCO_THINGS
    stuff: AbstractSet[int] = COCO_STUFF

    @property
    def all(self) -> AbstractSet[int]:
        """Things and stuff."""
        return self.things | self.stuff
