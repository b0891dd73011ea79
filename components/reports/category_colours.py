"""A colour for each category: the same in every picture, and unlike the others'.

Hues go round by a number that no small fraction is near, so that those in use are far apart
whichever they are; lightness and chroma take turns, of other lengths. They are those of OKLCH
(Ottosson 2020), in which hues are equally light: things are vivid, stuff is pale.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]

# Shares of a turn; the step is the reciprocal of the plastic number.
_FIRST_HUE, _HUE_STEP = 0.1, 0.7548776662
# In this order COCO's things are far apart, and people are vivid.
_LIGHTNESS = (0.78, 0.71, 0.86, 0.56, 0.64)
_CHROMA_THING, _CHROMA_STUFF = (0.12, 0.18), (0.05, 0.08)
# OKLab -> cone responses -> linear sRGB.
_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
# Of red, green and blue, when linear, in how bright a colour looks.
_BRIGHTNESS = np.array([0.2126, 0.7152, 0.0722])
# Black and white ink are read equally well on this brightness (WCAG 2).
_MIDDLE = 0.179


def category_colour(category: int, *, is_thing: bool = True) -> Rgb:
    """Returns the colour of a category, 8-bit levels of red, green and blue."""
    angle = 2 * math.pi * ((_FIRST_HUE + category * _HUE_STEP) % 1.0)
    chromas = _CHROMA_THING if is_thing else _CHROMA_STUFF
    lightness, chroma = (values[category % len(values)] for values in (_LIGHTNESS, chromas))
    lab = np.array([lightness, chroma * math.cos(angle), chroma * math.sin(angle)])
    return _srgb(_TO_LINEAR @ (_TO_CONES @ lab) ** 3)


def hexadecimal(colour: Rgb) -> str:
    """Returns a colour as `#rrggbb`."""
    return "#" + "".join(f"{level:02x}" for level in colour)


def ink_on(colour: Rgb) -> Rgb:
    """Returns black or white, whichever is read better on a colour."""
    levels = np.array(colour) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return (16, 20, 26) if linear @ _BRIGHTNESS > _MIDDLE else (255, 255, 255)


def _srgb(linear: NDArray[np.float64]) -> Rgb:
    inside = np.clip(linear, 0.0, 1.0)
    curved = np.where(inside <= 0.0031308, 12.92 * inside, 1.055 * inside ** (1 / 2.4) - 0.055)
    red, green, blue = np.rint(255 * curved).astype(int).tolist()
    return red, green, blue
