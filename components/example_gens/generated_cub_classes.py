"""What generated birds look like: shape by super class, plumage by fine class."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]

PATTERNS = ("plain", "bars", "spots", "belly", "cap")

# A multiple of it, without the whole part, is far from those of the numbers before: classes differ.
_GOLDEN = 0.6180339887498949
# Ranges of a shape's numbers, in lengths of the body; each has a step of its own through its range.
_RANGES = {
    "body_height": (0.38, 0.78),
    "head_radius": (0.13, 0.25),
    "neck_length": (0.0, 0.42),
    "beak_length": (0.10, 0.42),
    "tail_length": (0.22, 0.85),
    "tail_spread": (0.10, 0.36),
    "wing_length": (0.55, 0.95),
    "leg_length": (0.10, 0.45),
}


@dataclass(frozen=True)
class Shape:
    """A super class. Lengths are parts of the body's length.

    Attributes:
        body_height: Of the trunk.
        head_radius: Of the head.
        neck_length: From the trunk's front to the head's centre, beyond its radius.
        beak_length: From the head's rim.
        tail_length: From the trunk's end.
        tail_spread: Of the tail's end.
        wing_length: Of the wing.
        leg_length: Below the trunk.
    """

    body_height: float
    head_radius: float
    neck_length: float
    beak_length: float
    tail_length: float
    tail_spread: float
    wing_length: float
    leg_length: float


@dataclass(frozen=True)
class Plumage:
    """A fine class. Colours are RGB in [0, 1].

    Attributes:
        trunk: Colour of trunk and head.
        wing: Colour of wing and tail.
        mark: Colour of the pattern.
        beak: Colour of beak and legs.
        pattern: One of `PATTERNS`: where the third colour is.
    """

    trunk: Colour
    wing: Colour
    mark: Colour
    beak: Colour
    pattern: str


def super_class_of(fine_class: int, classes: int, super_classes: int) -> int:
    """The super class: neighbouring fine classes share one, as FineGAN's codes do."""
    return fine_class * super_classes // classes


def shape_of(super_class: int) -> Shape:
    """The shape of a super class; the same in every set, whatever its seed."""
    numbers = {}
    for position, (name, (low, high)) in enumerate(_RANGES.items(), start=1):
        # Square roots of different primes keep the numbers from rising together.
        step = np.sqrt((2, 3, 5, 7, 11, 13, 17, 19)[position - 1])
        numbers[name] = low + (high - low) * ((super_class + 0.5) * step % 1.0)
    return Shape(**numbers)


def plumage_of(fine_class: int) -> Plumage:
    """The plumage of a fine class; the same in every set, whatever its seed."""
    hue = fine_class * _GOLDEN % 1.0
    other = (hue + (0.0, 0.5, 0.33, 0.12)[fine_class % 4]) % 1.0
    saturation = (0.85, 0.65, 0.95)[fine_class % 3]
    value = (0.85, 0.45, 0.95)[fine_class // 2 % 3]
    wing = colorsys.hsv_to_rgb(other, 0.8, 0.35 if value > 0.5 else 0.9)
    mark = ((0.97, 0.96, 0.92), (0.08, 0.07, 0.08), (0.95, 0.8, 0.1))[fine_class // 3 % 3]
    beak = ((0.9, 0.55, 0.1), (0.15, 0.13, 0.12), (0.85, 0.2, 0.15))[fine_class % 3]
    trunk = colorsys.hsv_to_rgb(hue, saturation, value)
    return Plumage(trunk, wing, mark, beak, PATTERNS[fine_class % len(PATTERNS)])
