"""Where labels go in a picture: near what they name, inside the picture, not on each other."""

from __future__ import annotations

from collections.abc import Sequence

Corner = tuple[float, float]
Size = tuple[float, float]
#: Left, top, right, bottom.
Box = tuple[float, float, float, float]


def corners_beside(box_xyxy: Box, size: Size) -> list[Corner]:
    """Returns where the label of a box may have its upper left corner, the best place first."""
    left, top, right, bottom = box_xyxy
    width, height = size
    rows = (top - height, top, bottom, bottom - height)
    return [(column, row) for column in (left, right - width) for row in rows]


def corners_around(x: float, y: float, size: Size) -> list[Corner]:
    """Returns where the label of a point may have its upper left corner, the best place first."""
    left, top = x - size[0] / 2, y - size[1] / 2
    steps = ((0.0, 0.0), (0.0, -1.0), (0.0, 1.0), (-0.6, 0.0), (0.6, 0.0))
    return [(left + across * size[0], top + down * size[1]) for across, down in steps]


def place_label(corners: Sequence[Corner], size: Size, inside: Size, taken: Sequence[Box]) -> Box:
    """Chooses a label's place.

    Args:
        corners: Where its upper left corner may be, the best place first.
        size: Its width and height.
        inside: Width and height of the picture, which it does not leave.
        taken: Other labels.

    Returns:
        Its box: of those possible the one that covers the least of the others, and of equal ones
        the first.
    """
    boxes = [_moved_inside(corner, size, inside) for corner in corners]
    return min(boxes, key=lambda box: covered(box, taken))


def covered(box: Box, others: Sequence[Box]) -> float:
    """Returns how much of other boxes a box covers."""
    return sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in others
    )


def _moved_inside(corner: Corner, size: Size, inside: Size) -> Box:
    left, top = (
        max(0.0, min(place, whole - part))
        for place, part, whole in zip(corner, size, inside, strict=True)
    )
    return left, top, left + size[0], top + size[1]
