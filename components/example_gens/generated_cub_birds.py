"""Draws a bird of a class in a pose: its colours, and how much of each pixel it covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.example_gens.generated_cub_classes import Colour, Plumage, Shape
from components.example_gens.generated_cub_shapes import (
    Point,
    Points,
    convex_polygon,
    coverage,
    ellipse,
    thick_line,
)

_EYE: Colour = (0.05, 0.05, 0.05)


@dataclass(frozen=True)
class Pose:
    """How a bird stands in the picture.

    Attributes:
        centre: Of the trunk, pixels from the left and the top.
        scale: Length of the trunk, pixels.
        tilt: Of the trunk, radians.
        mirrored: Whether it looks to the left.
        neck: Angle of the neck above the trunk, radians.
        wing: Angle of the wing, radians; 0 lies along the trunk.
        tail: Angle of the tail, radians.
        light: Brightness; 1 is the plumage's own.
    """

    centre: Point
    scale: float
    tilt: float
    mirrored: bool
    neck: float
    wing: float
    tail: float
    light: float


class _Canvas:
    """Layers of colour over nothing."""

    def __init__(self, like: np.ndarray, pixels_per_unit: float) -> None:
        self.colour = np.zeros((*like.shape, 3), np.float32)
        self.alpha = np.zeros_like(like)
        self._pixels_per_unit = pixels_per_unit

    def paint(self, distance: np.ndarray, colour: Colour) -> np.ndarray:
        """Lays a part over what is there; returns how much of each pixel it covers."""
        share = coverage(distance, self._pixels_per_unit)
        self.mark(share, colour)
        self.alpha = share + self.alpha * (1 - share)
        return share

    def mark(self, share: np.ndarray, colour: Colour) -> None:
        """Colours a part of what is there, without making it larger."""
        share = share[..., None]
        self.colour = np.asarray(colour, np.float32) * share + self.colour * (1 - share)


def draw_bird(
    shape: Shape, plumage: Plumage, pose: Pose, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a bird.

    Args:
        shape: Its super class.
        plumage: Its fine class.
        pose: Its pose.
        height: Of the picture, pixels.
        width: Of the picture, pixels.

    Returns:
        Colours `[height, width, 3]` and coverage `[height, width]`, float32 in [0, 1].
    """
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
    image = Points(columns, rows).moved(
        pose.centre, -pose.tilt if pose.mirrored else pose.tilt, pose.mirrored
    )
    points = Points(image.x / np.float32(pose.scale), image.y / np.float32(pose.scale))
    canvas = _Canvas(points.x, pose.scale)
    head = head_centre(shape, pose)
    _paint_legs(canvas, points, shape, plumage)
    _paint_tail(canvas, points, shape, plumage, pose)
    _paint_trunk(canvas, points, shape, plumage, head)
    _paint_head(canvas, points, shape, plumage, head)
    _paint_wing(canvas, points, shape, plumage, pose)
    # Light from above; the frame turns with the bird, the light hardly.
    shade = np.clip(1.0 - 0.45 * points.y / shape.body_height, 0.6, 1.25) * pose.light
    return np.clip(canvas.colour * shade[..., None], 0, 1), np.clip(canvas.alpha, 0, 1)


def head_centre(shape: Shape, pose: Pose) -> Point:
    """In the bird's frame: the trunk's centre is the origin, its length the unit."""
    reach = shape.neck_length + 0.6 * shape.head_radius
    return 0.40 + reach * np.cos(pose.neck), -0.12 - reach * np.sin(pose.neck)


def outline(shape: Shape, pose: Pose) -> np.ndarray:
    """Points about the bird's farthest parts in the picture's directions, relative to its centre.

    Returns:
        `[points, 2]`: x, y, in lengths of the trunk.
    """
    head, half = head_centre(shape, pose), shape.body_height / 2
    end = 0.45 + shape.tail_length
    points = [
        *[(0.5 * np.cos(a), half * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 17)],
        *[
            (head[0] + shape.head_radius * np.cos(a), head[1] + shape.head_radius * np.sin(a))
            for a in np.linspace(0, 2 * np.pi, 9)
        ],
        (head[0] + shape.head_radius + shape.beak_length, head[1]),
        *[_turned((-end, side * shape.tail_spread / 2), pose.tail) for side in (-1, 1)],
        *[(x, half + shape.leg_length) for x in (-0.12, 0.14)],
        _wing_tip(shape, pose),
    ]
    turned = np.array([_turned(point, pose.tilt) for point in points])
    return turned * [-1.0, 1.0] if pose.mirrored else turned


def _turned(point: Point, angle: float) -> Point:
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * point[0] - sine * point[1], sine * point[0] + cosine * point[1]


def _wing_tip(shape: Shape, pose: Pose) -> Point:
    tip = _turned((-shape.wing_length, 0.0), pose.wing)
    return 0.22 + tip[0], -0.08 + tip[1]


def _paint_legs(canvas: _Canvas, points: Points, shape: Shape, plumage: Plumage) -> None:
    bottom = shape.body_height / 2
    for hip, foot in ((-0.06, -0.10), (0.08, 0.12)):
        leg = thick_line(points, (hip, 0.7 * bottom), (foot, bottom + shape.leg_length), 0.022)
        canvas.paint(leg, plumage.beak)


def _paint_tail(
    canvas: _Canvas, points: Points, shape: Shape, plumage: Plumage, pose: Pose
) -> None:
    turned = points.moved((0.0, 0.0), pose.tail)
    end, spread = -0.45 - shape.tail_length, shape.tail_spread / 2
    corners = [(-0.30, -0.09), (-0.30, 0.09), (end, spread), (end, -spread)]
    share = canvas.paint(convex_polygon(turned, corners), plumage.wing)
    band = np.exp(-(((turned.x - end - 0.12) / np.float32(0.05)) ** 2))
    canvas.mark(share * band, plumage.mark)


def _paint_trunk(
    canvas: _Canvas, points: Points, shape: Shape, plumage: Plumage, head: Point
) -> None:
    half = shape.body_height / 2
    neck = thick_line(points, (0.28, -0.05), head, 0.75 * shape.head_radius)
    canvas.paint(neck, plumage.trunk)
    share = canvas.paint(ellipse(points, (0.5, half)), plumage.trunk)
    if plumage.pattern == "belly":
        canvas.mark(share * np.clip((points.y / half - 0.15) * 6, 0, 1), plumage.mark)
    elif plumage.pattern == "bars":
        stripes = np.clip(4 * np.sin(points.x * np.float32(2 * np.pi * 6.5)), 0, 1)
        canvas.mark(share * stripes, plumage.mark)
    elif plumage.pattern == "spots":
        dots = np.sin(points.x * np.float32(36)) * np.sin(points.y * np.float32(36))
        canvas.mark(share * np.clip(6 * (dots - 0.35), 0, 1), plumage.mark)


def _paint_head(
    canvas: _Canvas, points: Points, shape: Shape, plumage: Plumage, head: Point
) -> None:
    radius = shape.head_radius
    local = points.moved(head)
    depth = 0.45 * radius
    tip = (0.8 * radius + shape.beak_length, 0.15 * radius)
    beak = convex_polygon(local, [(0.6 * radius, -depth), (0.6 * radius, depth), tip])
    canvas.paint(beak, plumage.beak)
    share = canvas.paint(ellipse(local, (radius, radius)), plumage.trunk)
    if plumage.pattern == "cap":
        canvas.mark(share * np.clip((-local.y / radius - 0.1) * 8, 0, 1), plumage.mark)
    eye = local.moved((0.35 * radius, -0.15 * radius))
    canvas.paint(ellipse(eye, (0.30 * radius, 0.30 * radius)), (0.95, 0.95, 0.9))
    canvas.paint(ellipse(eye, (0.19 * radius, 0.19 * radius)), _EYE)


def _paint_wing(
    canvas: _Canvas, points: Points, shape: Shape, plumage: Plumage, pose: Pose
) -> None:
    root = points.moved((0.22, -0.08), pose.wing)
    half = shape.wing_length / 2
    # Blunt at the shoulder, pointed at the tip.
    taper = np.clip(1.15 + 0.75 * (root.x + half) / half, 0.25, 1.6)
    local = Points(root.x + np.float32(half), root.y / taper)
    share = canvas.paint(ellipse(local, (half, 0.26 * shape.body_height)), plumage.wing)
    feathers = np.clip(np.sin(local.x * 40 + local.y * 12), 0, 1) * np.clip(-local.x / half, 0, 1)
    canvas.mark(share * np.float32(0.5) * feathers, plumage.trunk)
    if plumage.pattern in ("plain", "cap"):
        bar = np.exp(-(((local.x - np.float32(0.25 * half)) / np.float32(0.05)) ** 2))
        canvas.mark(share * bar, plumage.mark)
