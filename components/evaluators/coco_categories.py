"""COCO's categories as its benchmarks see them: which numbers there are, and which are things.

They follow from the data's own list, `example_gens.coco_categories`. The numbers have gaps.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from components.example_gens.coco_categories import CATEGORIES

COCO_THINGS = frozenset(number for number, one in CATEGORIES.items() if one.is_thing)
COCO_STUFF = frozenset(CATEGORIES) - COCO_THINGS


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
