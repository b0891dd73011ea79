"""A colour for each category: the same in every picture, and unlike its neighbours'.

Hues go round by the golden section, so that the numbers in use are far apart whichever they are.
Lightness and chroma are those of OKLCH (Ottosson 2020), in which hues are equally light: things are
vivid, stuff is pale.
"""

from __future__ import annotations

import colorsys
import math

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]

_GOLDEN_SECTION = (math.sqrt(5) - 1) / 2
# Numbers with near hues differ by 21, 34 or 55, and so in lightness.
_LIGHTNESS = (0.72, 0.58, 0.84, 0.65)
_CHROMA_THING, _CHROMA_STUFF = 0.17, 0.07
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
# Of black and white ink, the one that is read better changes at this brightness, [0, 255].
_MIDDLE = 140


def category_colour(category: int, *, is_thing: bool = True) -> Rgb:
    """Returns the colour of a category, 8-bit levels of red, green and blue."""
    angle = 2 * math.pi * (category * _GOLDEN_SECTION % 1.0)
    chroma = _CHROMA_THING if is_thing else _CHROMA_STUFF
    lightness = _LIGHTNESS[category % len(_LIGHTNESS)]
    lab = np.array([lightness, chroma * math.cos(angle), chroma * math.sin(angle)])
    return _srgb(_TO_LINEAR @ (_TO_CONES @ lab) ** 3)


def hexadecimal(colour: Rgb) -> str:
    """Returns a colour as `#rrggbb`."""
    return "#" + "".join(f"{level:02x}" for level in colour)


def ink_on(colour: Rgb) -> Rgb:
    """Returns black or white, whichever is read better on a colour."""
    brightness = 255 * colorsys.rgb_to_yiq(*(level / 255 for level in colour))[0]
    return (16, 20, 26) if brightness > _MIDDLE else (255, 255, 255)


def _srgb(linear: NDArray[np.float64]) -> Rgb:
    inside = np.clip(linear, 0.0, 1.0)
    curved = np.where(inside <= 0.0031308, 12.92 * inside, 1.055 * inside ** (1 / 2.4) - 0.055)
    red, green, blue = np.rint(255 * curved).astype(int).tolist()
    return red, green, blue
