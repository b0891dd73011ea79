"""Scenes of things on stuff: who owns each pixel, and what it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from components.example_gens.generated_coco_things import Colour, draw_thing
from components.example_gens.generated_cub_backgrounds import noise
from components.example_gens.generated_cub_shapes import Points

SKY, TREES, MOUNTAIN, GRASS, SAND, SNOW, SEA, ROAD = 187, 184, 192, 193, 154, 159, 155, 149
# Two ends of each kind's colours, RGB in [0, 1].
_STUFF: dict[int, tuple[Colour, Colour]] = {
    SKY: ((0.45, 0.62, 0.85), (0.85, 0.90, 0.96)),
    TREES: ((0.06, 0.20, 0.08), (0.20, 0.40, 0.16)),
    MOUNTAIN: ((0.36, 0.34, 0.38), (0.58, 0.56, 0.60)),
    GRASS: ((0.24, 0.42, 0.10), (0.50, 0.66, 0.26)),
    SAND: ((0.72, 0.62, 0.42), (0.90, 0.82, 0.62)),
    SNOW: ((0.84, 0.88, 0.92), (0.98, 0.98, 1.00)),
    SEA: ((0.06, 0.26, 0.42), (0.22, 0.48, 0.62)),
    ROAD: ((0.26, 0.26, 0.28), (0.40, 0.40, 0.42)),
}
_GROUNDS = (GRASS, SAND, SNOW, SEA)
# A thing, or kind of stuff, of fewer visible pixels is left out.
_LEAST_PIXELS = 24
_LEAST_VISIBLE_SHARE = 0.25
_CROWD_SHARE, _VOID_SHARE, _EMPTY_SHARE = 0.15, 0.15, 0.04
MOST_THINGS = 7


@dataclass(frozen=True)
class Region:
    """A segment of a scene.

    Attributes:
        category: COCO's category id.
        is_thing: Whether it is a thing, or a crowd of things.
        is_crowd: Whether it is many things that are not told apart.
        mask: `[height, width]` bool, its visible pixels.
    """

    category: int
    is_thing: bool
    is_crowd: bool
    mask: np.ndarray


class _Sprite(NamedTuple):
    """Something drawn, not yet laid into the scene."""

    category: int
    is_crowd: bool
    colours: np.ndarray
    alpha: np.ndarray


def draw_scene(
    generator: np.random.Generator, height: int, width: int, categories: Sequence[int]
) -> tuple[np.ndarray, list[Region]]:
    """Draws a scene.

    Args:
        generator: Makes every choice.
        height: Pixels.
        width: Pixels.
        categories: Of the things that may be in it.

    Returns:
        The picture `[height, width, 3]` uint8, and its segments, which do not overlap; pixels of
        none of them are void.
    """
    picture, owner = _stuff(generator, height, width)
    sprites = _sprites(generator, height, width, categories)
    covered = np.zeros((height, width), bool)
    things: list[Region] = []
    kept: list[_Sprite] = []
    # From the front to the back, so that each sees what hides it.
    for sprite in reversed(sprites):
        whole = sprite.alpha >= 0.5
        visible = whole & ~covered
        if visible.sum() < max(_LEAST_PIXELS, _LEAST_VISIBLE_SHARE * whole.sum()):
            continue
        things.append(Region(sprite.category, True, sprite.is_crowd, visible))
        kept.append(sprite)
        covered |= whole
    for sprite in reversed(kept):
        picture += sprite.alpha[..., None] * (sprite.colours - picture)
    owner[covered] = 0
    stuff = [Region(int(one), False, False, owner == one) for one in np.unique(owner) if one]
    stuff = [region for region in stuff if region.mask.sum() >= _LEAST_PIXELS]
    levels = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return levels, [*reversed(things), *stuff]


def _stuff(
    generator: np.random.Generator, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """The scene without things: colours, and the category of each pixel, 0 for void."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    tilt = generator.uniform(-0.06, 0.06) * (columns - width / 2)
    horizon = height * generator.uniform(0.3, 0.55) + tilt
    owner = np.full((height, width), SKY)
    if generator.random() < 0.6:
        backdrop = (TREES, MOUNTAIN)[generator.integers(2)]
        cells = (5, 17) if backdrop == TREES else (3, 6)
        ridge = noise(generator, 2, width, cells)[:1]
        owner[rows >= horizon - height * 0.28 * ridge] = backdrop
    ground = _GROUNDS[generator.integers(len(_GROUNDS))]
    owner[rows >= horizon] = ground
    if ground != SEA and generator.random() < 0.4:
        middle, half = width * generator.uniform(0.3, 0.7), width * generator.uniform(0.1, 0.2)
        depth = np.clip((rows - horizon) / (height - horizon), 0, 1)
        bend = width * generator.uniform(-0.3, 0.3) * depth
        on_road = np.abs(columns - middle - bend) < half * (0.15 + 0.85 * depth)
        owner[on_road & (rows >= horizon)] = ROAD
    picture = np.zeros((height, width, 3), np.float32)
    for category in np.unique(owner):
        low, high = (np.array(colour, np.float32) for colour in _STUFF[int(category)])
        mix = np.clip(noise(generator, height, width, (4, 11, 40)), 0, 1)[..., None]
        picture = np.where((owner == category)[..., None], low + mix * (high - low), picture)
    if generator.random() < _VOID_SHARE:
        # Somebody did not say what it is.
        owner[owner == generator.choice(np.unique(owner))] = 0
    return picture * np.float32(generator.uniform(0.85, 1.1)), owner


def _sprites(
    generator: np.random.Generator, height: int, width: int, categories: Sequence[int]
) -> list[_Sprite]:
    """Things, the farthest first."""
    if generator.random() < _EMPTY_SHARE:
        return []
    sides = np.array([width, height])
    scales = max(height, width) * np.exp(
        generator.uniform(np.log(0.05), np.log(0.22), generator.integers(1, MOST_THINGS + 1))
    )
    sprites = []
    # What is far is small.
    for scale in sorted(scales):
        category = int(generator.choice(categories))
        centre = sides * generator.uniform(0.06, 0.94, 2)
        sprites.append(_thing(generator, category, centre, float(scale), height, width))
    if generator.random() < _CROWD_SHARE:
        sprites.insert(
            int(generator.integers(len(sprites) + 1)), _crowd(generator, height, width, categories)
        )
    return sprites


def _thing(
    generator: np.random.Generator,
    category: int,
    centre: np.ndarray,
    scale: float,
    height: int,
    width: int,
) -> _Sprite:
    colours, alpha = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    around = 1.3 * scale
    left, top = np.clip(centre - around, 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(centre + around), 1, [width, height]).astype(int)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32) + np.float32(0.5)
    turned = Points(columns, rows).moved(
        (float(centre[0]), float(centre[1])),
        float(generator.normal(0.0, 0.15)),
        bool(generator.random() < 0.5),
    )
    points = Points(turned.x / np.float32(scale), turned.y / np.float32(scale))
    light = float(generator.uniform(0.85, 1.15))
    colours[top:bottom, left:right], alpha[top:bottom, left:right] = draw_thing(
        category, points, scale, light
    )
    return _Sprite(category, False, colours, alpha)


def _crowd(
    generator: np.random.Generator, height: int, width: int, categories: Sequence[int]
) -> _Sprite:
    """Many small things of one category, close together, as one."""
    category = int(generator.choice(categories))
    longest = max(height, width)
    middle = np.array([width, height]) * generator.uniform(0.2, 0.8, 2)
    colours = np.zeros((height, width, 3), np.float32)
    alpha: np.ndarray = np.zeros((height, width), np.float32)
    for _ in range(int(generator.integers(6, 13))):
        centre = np.clip(
            middle + longest * generator.normal(0.0, 0.08, 2), 2, [width - 2, height - 2]
        )
        scale = float(longest * generator.uniform(0.03, 0.045))
        one = _thing(generator, category, centre, scale, height, width)
        colours += one.alpha[..., None] * (one.colours - colours)
        alpha = one.alpha + alpha * (1 - one.alpha)
    return _Sprite(category, True, colours, alpha)
