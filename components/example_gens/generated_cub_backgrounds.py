"""Backgrounds of the generated scenes: muted and textured, in five families."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

Colour = tuple[float, float, float]

# Two ends of each family's range of colours, RGB in [0, 1]; muted, so that plumage stands out.
_FOLIAGE = ((0.16, 0.24, 0.12), (0.52, 0.58, 0.36))
_WATER = ((0.24, 0.33, 0.42), (0.62, 0.70, 0.74))
_SKY = ((0.52, 0.63, 0.76), (0.86, 0.88, 0.90))
_REEDS = ((0.38, 0.34, 0.20), (0.72, 0.67, 0.47))
_GROUND = ((0.30, 0.25, 0.20), (0.66, 0.60, 0.52))


def draw_background(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draws a background of a random family.

    Args:
        generator: Makes every choice.
        height: Pixels.
        width: Pixels.

    Returns:
        `[height, width, 3]` float32 in [0, 1].
    """
    families: Sequence[Callable[[np.random.Generator, int, int], np.ndarray]] = (
        _foliage,
        _water,
        _sky,
        _reeds,
        _ground,
    )
    return families[generator.integers(len(families))](generator, height, width)


def noise(
    generator: np.random.Generator, height: int, width: int, cells: Sequence[int]
) -> np.ndarray:
    """Smooth noise of several sizes, the coarser the stronger.

    Args:
        generator: Makes every choice.
        height: Pixels.
        width: Pixels.
        cells: Blots across the width, for each size.

    Returns:
        `[height, width]` float32, mean near 0.5, mostly in [0, 1].
    """
    total, weights = np.zeros((height, width), np.float32), 0.0
    for number in cells:
        rows = max(2, round(number * height / width))
        grid = Image.fromarray(generator.random((rows, max(2, number)), np.float32))
        weight = number**-0.5
        total += weight * np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC))
        weights += weight
    # Averages cluster about 1/2; spread them again.
    return 0.5 + (total / np.float32(weights) - 0.5) * np.float32(1.6)


def _foliage(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Blots of leaves, out of focus to a random degree."""
    finest = int(generator.integers(8, 60))
    mix = noise(generator, height, width, (3, 7, finest // 2, finest))
    return _tinted(generator, mix, _FOLIAGE)


def _water(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Ripples, narrower towards the top."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    wobble = noise(generator, height, width, (4, 9))
    waves = generator.uniform(12, 30)
    ripples = np.sin(2 * np.pi * waves * np.sqrt(rows + np.float32(0.1)) + 5 * wobble)
    strength = np.float32(generator.uniform(0.1, 0.3))
    mix = 0.5 + strength * ripples + 0.4 * (wobble - 0.5)
    return _tinted(generator, mix, _WATER)


def _sky(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A gradient, with or without clouds."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    clouds = noise(generator, height, width, (2, 5, 11))
    mix = rows + np.float32(generator.uniform(0.0, 0.9)) * (clouds - 0.5)
    return _tinted(generator, mix, _SKY)


def _reeds(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Stems: stripes, leaning and wavering."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(width)
    wobble = noise(generator, height, width, (3, 6))
    stems = generator.uniform(8, 22)
    lean = np.float32(generator.uniform(-0.4, 0.4))
    stripes = np.sin(2 * np.pi * stems * (columns + lean * rows) + 4 * wobble)
    mix = 0.5 + np.float32(generator.uniform(0.15, 0.3)) * stripes + 0.3 * (wobble - 0.5)
    return _tinted(generator, mix, _REEDS)


def _ground(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Speckled, with a blurred horizon above which there is foliage or sky."""
    speckles = noise(generator, height, width, (4, 20, 70))
    ground = _tinted(generator, speckles, _GROUND)
    above = (_foliage, _sky)[generator.integers(2)](generator, height, width)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    horizon = np.float32(generator.uniform(0.15, 0.6))
    share = np.clip((rows - horizon) * np.float32(generator.uniform(6, 40)) + 0.5, 0, 1)
    return share * ground + (1 - share) * above


def _tinted(
    generator: np.random.Generator, mix: np.ndarray, colours: tuple[Colour, Colour]
) -> np.ndarray:
    """Between two colours near the family's, darker or lighter as a whole, with grain."""
    dark, light = (
        np.float32(np.array(colour) + generator.uniform(-0.06, 0.06, 3)) for colour in colours
    )
    share = np.clip(mix, 0, 1)[..., None]
    exposure = np.float32(generator.uniform(0.85, 1.15))
    grain = generator.standard_normal((*mix.shape, 1), np.float32) * np.float32(0.012)
    return np.clip((dark + share * (light - dark)) * exposure + grain, 0, 1)
