"""Makes a checked record of one picture and the box of its object."""

from __future__ import annotations

import numpy as np

from components.example_gens import boxed_image_features as keys
from components.example_gens.image_reader import ReadImage
from components.example_gens.record_source import Record, RecordError
from components.example_gens.stored_pictures import read_stored_picture

# left, top, width, height; pixels.
BoxXYWH = tuple[float, float, float, float]


def read_boxed_image(
    path: str, *, described: str, key: str, box: BoxXYWH, label: int, class_name: str
) -> Record:
    """Reads and checks a picture and its box.

    Args:
        path: The picture.
        described: Names the picture and its id in errors.
        key: Names the record in the data set.
        box: What the data set says, pixels; may leave the picture.
        label: Fine class, from 0.
        class_name: Its name.

    Raises:
        RecordError: The picture is missing or damaged, or the box has no area in it.
    """
    picture, conversions = read_stored_picture(path, described)
    inside = clip_box(box, picture.width, picture.height)
    refuse_degenerate_box(inside, described, box, picture)
    if inside != box:
        conversions.append("box_clipped")
    return Record(
        key,
        {
            keys.IMAGE_ENCODED: picture.encoded,
            keys.IMAGE_HEIGHT: picture.height,
            keys.IMAGE_WIDTH: picture.width,
            keys.IMAGE_CHANNELS: picture.channels,
            keys.IMAGE_ID: key.encode(),
            keys.BOX_XYWH: np.array(inside, np.float32),
            keys.CLASS_LABEL: label,
            keys.CLASS_TEXT: class_name.encode(),
        },
        tuple(conversions),
    )


def clip_box(box: BoxXYWH, width: int, height: int) -> BoxXYWH:
    """The part of a box inside a picture; unchanged, to the bit, where none of it is outside.

    Args:
        box: Pixels.
        width: Of the picture.
        height: Of the picture.

    Returns:
        A box with 0 <= left, left + width <= the picture's width, and so on; the width or height of
        a box without area in the picture is 0 or less.
    """
    left, columns = _clip_interval(box[0], box[2], width)
    top, rows = _clip_interval(box[1], box[3], height)
    return left, top, columns, rows


def refuse_degenerate_box(
    inside: BoxXYWH, described: str, box: BoxXYWH, picture: ReadImage
) -> None:
    """Refuses a box in which nothing is left once its numbers are cut to whole pixels.

    The authors cut them (`astype(int)`) and then take 3/4 of the longer side as half the side of
    the crop, which must be a pixel at least.

    Raises:
        RecordError: The box is such.
    """
    columns, rows = int(inside[2]), int(inside[3])
    if columns >= 1 and rows >= 1 and max(columns, rows) >= 2:
        return
    raise RecordError(
        "degenerate_box",
        f"the box of {described} has no area in the picture",
        found=f"left, top, width, height = {', '.join(f'{one:g}' for one in box)} in "
        f"{picture.width} x {picture.height} pixels",
        expected="at least 1 x 2 whole pixels inside the picture",
        fix="correct the box, take the image out of the lists, or allow a share of rejected "
        "records with --set data.max_rejected_share=0.01",
    )


def _clip_interval(start: float, length: float, limit: int) -> tuple[float, float]:
    first, last = max(0.0, start), min(float(limit), start + length)
    if first == start and last == start + length:
        return start, length
    return first, last - first
