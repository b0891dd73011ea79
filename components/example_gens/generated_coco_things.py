"""The things of the generated scenes: twelve of COCO's categories, each of its own shape and hue.

A thing is a few parts, painted over each other, in a frame of its own: the origin is its centre,
its farthest points are about 1 away, y points down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from components.example_gens.generated_cub_shapes import (
    Points,
    convex_polygon,
    coverage,
    ellipse,
    thick_line,
)

Colour = tuple[float, float, float]

_DARK: Colour = (0.10, 0.10, 0.12)
_GLASS: Colour = (0.62, 0.80, 0.90)
_WHITE: Colour = (0.96, 0.96, 0.94)


class Part(NamedTuple):
    """A part of a thing.

    Attributes:
        distance: `[rows, columns]`, negative inside, in the frame's unit.
        colour: RGB in [0, 1].
    """

    distance: np.ndarray
    colour: Colour


def draw_thing(
    category: int, points: Points, pixels_per_unit: float, light: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a thing.

    Args:
        category: One of `THINGS`.
        points: The pixels in the thing's frame.
        pixels_per_unit: Its size.
        light: Brightness; 1 is the thing's own.

    Returns:
        Colours `[rows, columns, 3]` and coverage `[rows, columns]`, float32 in [0, 1].
    """
    colours = np.zeros((*points.x.shape, 3), np.float32)
    alpha = np.zeros_like(points.x)
    for part in THINGS[category](points):
        share = coverage(part.distance, pixels_per_unit)
        colours += share[..., None] * (np.array(part.colour, np.float32) - colours)
        alpha = share + alpha * (1 - share)
    # Lit from above.
    shade = np.clip(1.0 - 0.18 * points.y, 0.75, 1.2) * np.float32(light)
    return np.clip(colours * shade[..., None], 0, 1), alpha


def _box(points: Points, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return convex_polygon(points, [(left, top), (right, top), (right, bottom), (left, bottom)])


def _disc(points: Points, x: float, y: float, radius: float) -> np.ndarray:
    return ellipse(points.moved((x, y)), (radius, radius))


def _car(points: Points) -> list[Part]:
    red: Colour = (0.80, 0.10, 0.10)
    roof = convex_polygon(points, [(-0.5, -0.45), (0.35, -0.45), (0.62, 0.05), (-0.72, 0.05)])
    window = convex_polygon(points, [(-0.42, -0.36), (0.28, -0.36), (0.46, 0.0), (-0.54, 0.0)])
    wheels = [Part(_disc(points, x, 0.36, 0.2), _DARK) for x in (-0.52, 0.52)]
    return [Part(roof, red), Part(_box(points, -1, 0, 1, 0.38), red), Part(window, _GLASS), *wheels]


def _bus(points: Points) -> list[Part]:
    windows = [
        Part(_box(points, x, -0.45, x + 0.34, -0.08), _GLASS) for x in (-0.88, -0.43, 0.02, 0.47)
    ]
    wheels = [Part(_disc(points, x, 0.55, 0.17), _DARK) for x in (-0.55, 0.55)]
    return [Part(_box(points, -1, -0.6, 1, 0.55), (0.95, 0.72, 0.10)), *windows, *wheels]


def _boat(points: Points) -> list[Part]:
    hull = convex_polygon(points, [(-0.95, 0.35), (0.95, 0.35), (0.55, 0.8), (-0.6, 0.8)])
    mast = thick_line(points, (0.0, 0.4), (0.0, -0.95), 0.04)
    sail = convex_polygon(points, [(0.08, -0.9), (0.08, 0.25), (0.85, 0.25)])
    return [Part(mast, _DARK), Part(sail, _WHITE), Part(hull, (0.45, 0.22, 0.10))]


def _traffic_light(points: Points) -> list[Part]:
    lamps = [
        Part(_disc(points, 0.0, y, 0.19), colour)
        for y, colour in (
            (-0.58, (0.95, 0.1, 0.1)),
            (0.0, (0.95, 0.75, 0.1)),
            (0.58, (0.1, 0.85, 0.2)),
        )
    ]
    return [Part(_box(points, -0.32, -0.95, 0.32, 0.95), (0.16, 0.18, 0.16)), *lamps]


def _stop_sign(points: Points) -> list[Part]:
    corners = [(np.cos(a), np.sin(a)) for a in np.pi / 8 + np.arange(8) * np.pi / 4]
    inner = [(0.86 * x, 0.86 * y) for x, y in corners]
    bar = _box(points, -0.6, -0.13, 0.6, 0.13)
    return [
        Part(convex_polygon(points, corners), _WHITE),
        Part(convex_polygon(points, inner), (0.75, 0.04, 0.09)),
        Part(bar, _WHITE),
    ]


def _bird(points: Points) -> list[Part]:
    wing = convex_polygon(points, [(-0.1, 0.05), (0.3, -0.05), (-0.35, -0.8)])
    tail = convex_polygon(points, [(-0.35, 0.0), (-0.35, 0.25), (-1.0, 0.0)])
    beak = convex_polygon(points, [(0.75, -0.25), (0.75, -0.08), (1.0, -0.14)])
    body = ellipse(points, (0.6, 0.3))
    blue: Colour = (0.20, 0.30, 0.75)
    return [
        Part(tail, blue),
        Part(beak, (0.95, 0.6, 0.1)),
        Part(body, blue),
        Part(_disc(points, 0.55, -0.18, 0.26), blue),
        Part(wing, (0.45, 0.55, 0.90)),
    ]


def _umbrella(points: Points) -> list[Part]:
    dome = np.maximum(_disc(points, 0.0, 0.1, 0.95), points.y - np.float32(0.1))
    stick = thick_line(points, (0.0, 0.0), (0.0, 0.9), 0.05)
    stripe = np.maximum(ellipse(points.moved((0.0, 0.1)), (0.33, 0.95)), points.y - np.float32(0.1))
    return [Part(stick, _DARK), Part(dome, (0.55, 0.15, 0.65)), Part(stripe, (0.80, 0.50, 0.88))]


def _sports_ball(points: Points) -> list[Part]:
    seams = [
        Part(np.abs(_disc(points, x, 0.0, 1.0)) - np.float32(0.05), _DARK) for x in (-1.3, 1.3)
    ]
    ball = _disc(points, 0.0, 0.0, 0.95)
    inside = [Part(np.maximum(one.distance, ball), one.colour) for one in seams]
    return [Part(ball, (0.92, 0.45, 0.10)), *inside]


def _kite(points: Points) -> list[Part]:
    corners = [(0.0, -0.95), (0.6, -0.2), (0.0, 0.8), (-0.6, -0.2)]
    half = [(0.0, -0.95), (0.6, -0.2), (0.0, 0.8)]
    return [
        Part(convex_polygon(points, corners), (0.10, 0.75, 0.75)),
        Part(convex_polygon(points, half), (0.95, 0.90, 0.20)),
    ]


def _banana(points: Points) -> list[Part]:
    crescent = np.maximum(_disc(points, 0.0, -0.25, 0.95), -_disc(points, 0.0, -0.75, 1.0))
    return [Part(crescent, (0.98, 0.87, 0.15))]


def _donut(points: Points) -> list[Part]:
    ring = np.maximum(_disc(points, 0.0, 0.0, 0.95), -_disc(points, 0.0, 0.0, 0.35))
    icing = np.maximum(_disc(points, 0.0, 0.0, 0.8), -_disc(points, 0.0, 0.0, 0.45))
    return [Part(ring, (0.72, 0.48, 0.25)), Part(icing, (0.95, 0.50, 0.70))]


def _clock(points: Points) -> list[Part]:
    hands = [thick_line(points, (0.0, 0.0), end, 0.06) for end in ((0.0, -0.6), (0.4, 0.15))]
    face = [Part(_disc(points, 0.0, 0.0, 0.95), _DARK), Part(_disc(points, 0.0, 0.0, 0.8), _WHITE)]
    return [*face, *[Part(hand, _DARK) for hand in hands]]


# By COCO's category id; a set of n categories has the first n.
THINGS: dict[int, Callable[[Points], list[Part]]] = {
    3: _car,
    37: _sports_ball,
    13: _stop_sign,
    38: _kite,
    6: _bus,
    60: _donut,
    28: _umbrella,
    16: _bird,
    10: _traffic_light,
    52: _banana,
    85: _clock,
    9: _boat,
}
