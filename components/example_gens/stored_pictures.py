"""Reads a picture that boxes or masks belong to, in the orientation in which it is stored.

Boxes and masks count pixels as they are stored, so the orientation that a camera noted is ignored,
as FineGAN's and DETR's authors do (`Image.open` without `exif_transpose`).
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.boxed_image_files import size_or_absent
from components.example_gens.image_reader import ReadImage, read_image
from components.example_gens.record_source import RecordError

_PNG = b"\x89PNG\r\n\x1a\n"
_TURNED = "exif_orientation_applied"


def read_stored_picture(path: str, described: str) -> tuple[ReadImage, list[str]]:
    """Reads and checks a picture; bytes that TensorFlow decodes are kept.

    Args:
        path: The picture.
        described: Names the picture and its id in errors.

    Returns:
        The picture as it is stored, and what was changed on the way in.

    Raises:
        RecordError: It is missing or damaged.
    """
    content = read_listed_file(path, described, "missing_image", "a picture")
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


def read_listed_file(path: str, described: str, reason: str, expected: str) -> bytes:
    """The contents of a file that a list names.

    Args:
        path: The file.
        described: Names it in errors.
        reason: Of the error if it is not there.
        expected: What it is, in words.

    Raises:
        RecordError: It is not there.
        DataError: It cannot be read.
    """
    try:
        return file_access.read_bytes(path)
    except DataError as error:
        if size_or_absent(path) >= 0:
            raise
        raise RecordError(
            reason,
            f"the file of {described} is not there",
            found="an entry in the lists, but no file",
            expected=f"{expected} at that path",
            fix="unpack the archive again, or take the image out of the lists",
        ) from error


def _without_notes(content: bytes) -> bytes:
    """The pixels as PNG, without what the camera noted about them."""
    stored = Image.open(io.BytesIO(content)).convert("RGB")
    plain = Image.fromarray(np.asarray(stored))
    buffer = io.BytesIO()
    plain.save(buffer, format="PNG")
    return buffer.getvalue()
