"""Makes a checked record of one picture and the box of its object."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from components.errors import DataError
from components.example_gens import boxed_image_features as keys
from components.example_gens import file_access
from components.example_gens.boxed_image_files import size_or_absent
from components.example_gens.image_reader import ReadImage, read_image
from components.example_gens.record_source import Record, RecordError

# left, top, width, height; pixels.
BoxXYWH = tuple[float, float, float, float]

_PNG = b"\x89PNG\r\n\x1a\n"
_TURNED = "exif_orientation_applied"


def read_boxed_image(
    path: str, *, described: str, key: str, box: BoxXYWH, label: int, class_name: str
) -> Record:
    """Reads and checks a picture and its box.

    Bytes that TensorFlow decodes are kept. Boxes count pixels as they are stored, so the
    orientation that a camera noted is ignored, as the authors' code does (`Image.open` without
    `exif_transpose`).

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
    content = _content(path, described)
    picture, conversions = _as_stored(path, content, described)
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


def _content(path: str, described: str) -> bytes:
    try:
        return file_access.read_bytes(path)
    except DataError as error:
        if size_or_absent(path) < 0:
            raise _missing(described) from error
        raise


def _missing(described: str) -> RecordError:
    return RecordError(
        "missing_image",
        f"the file of {described} is not there",
        found="an entry in the lists, but no file",
        expected="a picture at that path",
        fix="unpack the archive again, or take the image out of the lists",
    )


def _as_stored(path: str, content: bytes, described: str) -> tuple[ReadImage, list[str]]:
    """The picture in the orientation in which it is stored, and what was changed on the way in."""
    picture = read_image(described, content)
    if _TURNED in picture.conversions:
        picture = read_image(described, _without_notes(content))
        conversions = ["exif_orientation_ignored", "reencoded_as_png", *picture.conversions]
    else:
        conversions = list(picture.conversions)
    if content.startswith(_PNG) and not path.lower().endswith(".png"):
        conversions.append("png_named_jpeg")
    if picture.channels == 1:
        # Transform repeats the gray channel; it is counted here, where the file is known.
        conversions.append("gray_to_colour")
    return picture, conversions


def _without_notes(content: bytes) -> bytes:
    """The pixels as PNG, without what the camera noted about them."""
    stored = Image.open(io.BytesIO(content)).convert("RGB")
    plain = Image.fromarray(np.asarray(stored))
    buffer = io.BytesIO()
    plain.save(buffer, format="PNG")
    return buffer.getvalue()
