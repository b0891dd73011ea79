"""DETR's rule for the size of a resized picture, in Python's numbers.

`components.transforms.detr_geometry` has the same rule in the graph; a test holds them together.
"""

from __future__ import annotations


def resized_size(height: int, width: int, size: int, max_size: int | None) -> tuple[int, int]:
    """The size of a picture whose shorter side becomes `size`.

    If the longer side would pass `max_size`, the shorter one becomes the nearest whole number that
    leads there. The longer side is cut to a whole number, and so may pass `max_size` by half the
    ratio of the sides. Source: `get_size_with_aspect_ratio` in the authors' datasets/transforms.py.

    Args:
        height: Pixels.
        width: Pixels.
        size: Wanted shorter side, pixels.
        max_size: Wanted limit of the longer side, pixels; None for no limit.

    Returns:
        (height, width), pixels. Either may be 0 where the sides differ more than
        2 * `max_size` times.
    """
    shorter, longer = min(height, width), max(height, width)
    if max_size is not None and longer / shorter * size > max_size:
        # Halves are rounded to even.
        size = round(max_size * shorter / longer)
    if shorter == size:
        return height, width
    if width < height:
        return size * height // width, size
    return size, size * width // height


def largest_crop_view(crop_min: int, crop_max: int, size: int, max_size: int) -> int:
    """An upper bound of the longer side of a resized crop, pixels.

    Args:
        crop_min: Least side of the crop, pixels.
        crop_max: Largest side of the crop, pixels.
        size: The largest shorter side after the resize, pixels.
        max_size: Limit of the longer side, pixels.
    """
    without_limit = size * crop_max // crop_min
    if without_limit <= max_size:
        return without_limit
    # Rounding the shorter side up by half a pixel lengthens the other one by half the ratio.
    return max_size + crop_max // (2 * crop_min)
