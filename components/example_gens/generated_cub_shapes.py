"""Areas with soft edges, on arrays of points: ellipses, convex polygons, thick lines.

Each function gives signed distances, negative inside, in the unit of the points; `coverage` makes
of them how much of a pixel is covered, so that edges are as soft as a camera's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Point = tuple[float, float]


class Points(NamedTuple):
    """Coordinates of the pixels in some frame.

    Attributes:
        x: `[rows, columns]` float32.
        y: The same, downwards.
    """

    x: np.ndarray
    y: np.ndarray

    def moved(self, origin: Point, angle: float = 0.0, mirrored: bool = False) -> Points:
        """The same points seen from a frame at `origin`, turned by `angle` radians."""
        x, y = self.x - np.float32(origin[0]), self.y - np.float32(origin[1])
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        turned = cosine * x + sine * y
        return Points(-turned if mirrored else turned, cosine * y - sine * x)


def ellipse(points: Points, radii: Point) -> np.ndarray:
    """About the origin; exact on the border, approximate elsewhere."""
    a, b = np.float32(radii[0]), np.float32(radii[1])
    scaled = np.hypot(points.x / a, points.y / b)
    slope = np.hypot(points.x / a**2, points.y / b**2)
    return scaled * (scaled - 1) / np.maximum(slope, np.float32(1e-6))


def convex_polygon(points: Points, corners: Sequence[Point]) -> np.ndarray:
    """Of corners in either order around it."""
    centre = np.mean(corners, axis=0)
    distances = []
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        normal = np.array([y2 - y1, x1 - x2]) / np.hypot(x2 - x1, y2 - y1)
        if normal @ (centre - (x1, y1)) > 0:
            normal = -normal
        along, across = np.float32(normal[0]), np.float32(normal[1])
        distances.append(along * points.x + across * points.y - np.float32(normal @ (x1, y1)))
    return np.max(distances, axis=0)


def thick_line(points: Points, start: Point, end: Point, radius: float) -> np.ndarray:
    """With round ends."""
    dx, dy = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    x, y = points.x - np.float32(start[0]), points.y - np.float32(start[1])
    along = np.clip((x * dx + y * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(x - along * dx, y - along * dy) - np.float32(radius)


def coverage(distance: np.ndarray, pixels_per_unit: float) -> np.ndarray:
    """`[rows, columns]` float32 in [0, 1]."""
    return np.clip(np.float32(0.5) - distance * np.float32(pixels_per_unit), 0, 1)
