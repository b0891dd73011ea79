"""The benchmarks' categories are the data's."""

from __future__ import annotations

from components.evaluators.coco_categories import COCO_STUFF, COCO_THINGS, PanopticCategories
from components.example_gens.coco_categories import CATEGORIES


def test_there_are_eighty_things_and_fifty_three_kinds_of_stuff() -> None:
    assert (len(COCO_THINGS), len(COCO_STUFF)) == (80, 53)
    assert (min(COCO_THINGS), max(COCO_THINGS)) == (1, 90)
    assert (min(COCO_STUFF), max(COCO_STUFF)) == (92, 200)
    assert PanopticCategories().all == set(CATEGORIES)
    assert not COCO_THINGS & COCO_STUFF
