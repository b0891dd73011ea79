"""Colours of categories can be told apart and written on."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from components.example_gens.coco_categories import CATEGORIES
from components.example_gens.generated_coco_things import THINGS
from components.reports.category_colours import category_colour, hexadecimal, ink_on


def luminance(colour: tuple[int, ...]) -> float:
    """WCAG's relative luminance."""
    levels = np.array(colour) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def distance(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return float(np.linalg.norm(np.subtract(one, other)))


def test_every_category_has_a_colour_of_its_own() -> None:
    colours = {
        category_colour(number, is_thing=category.is_thing)
        for number, category in CATEGORIES.items()
    }
    assert len(colours) == len(CATEGORIES)


def test_the_generated_things_are_told_apart() -> None:
    colours = [category_colour(number) for number in THINGS]
    assert min(distance(*pair) for pair in combinations(colours, 2)) > 30


def test_stuff_is_paler_than_things() -> None:
    for number in (3, 50, 187):
        thing, stuff = (category_colour(number, is_thing=one) for one in (True, False))
        assert max(stuff) - min(stuff) < max(thing) - min(thing)


def test_labels_can_be_read_on_every_colour() -> None:
    for number, category in CATEGORIES.items():
        colour = category_colour(number, is_thing=category.is_thing)
        light, dark = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
        # Large or bold text needs 3 by WCAG's rule.
        assert (light + 0.05) / (dark + 0.05) > 3.0, category.name


def test_a_colour_is_written_with_two_digits_a_channel() -> None:
    assert hexadecimal((0, 15, 255)) == "#000fff"
