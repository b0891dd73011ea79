"""Checks a picture on its way in, and keeps its bytes where TensorFlow can decode them.

What TensorFlow cannot decode, or decodes otherwise than a viewer shows it (palettes, transparency,
CMYK, 16 bits a channel, a rotation noted in EXIF), is written anew as 8-bit PNG and counted.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps, UnidentifiedImageError

from components.example_gens.file_kinds import describe_content
from components.example_gens.record_source import RecordError
from components.transforms import pictures

MAX_PIXELS = 2**26
MIN_SIDE = 2
IMAGE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".webp",
    ".ppm",
    ".pgm",
)

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = (0, 1)
_PNG_ROTATION_MARKS = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
_KEPT_FORMATS = ("JPEG", "PNG", "MPO")
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


@dataclass(frozen=True)
class ReadImage:
    """A picture that TensorFlow decodes.

    Attributes:
        encoded: JPEG or PNG, 8 bits a channel.
        height: Rows, pixels.
        width: Columns, pixels.
        channels: 1 (gray) or 3 (RGB).
        conversions: What was changed, for example `palette_expanded`.
    """

    encoded: bytes
    height: int
    width: int
    channels: int
    conversions: tuple[str, ...]


def read_image(path: str, encoded: bytes) -> ReadImage:
    """Checks an encoded picture and brings it to 8-bit gray or RGB.

    Args:
        path: Names the picture in errors.
        encoded: The bytes of the file.

    Raises:
        RecordError: It is not a picture, damaged, animated, too small or too large.
    """
    picture = _open(path, encoded)
    _refuse_unfit(path, picture)
    if _needs_no_change(picture, encoded) and _decodes(encoded, picture):
        channels = len(picture.getbands())
        return ReadImage(encoded, picture.height, picture.width, channels, ())
    return _converted(path, picture, encoded)


def upright_size(path: str, encoded: bytes) -> tuple[int, int]:
    """(height, width) of a picture as `read_image` gives it, from its header alone.

    Raises:
        RecordError: It is not a picture.
    """
    picture = _open(path, encoded)
    turned = _orientation(picture) in (5, 6, 7, 8)
    return (picture.width, picture.height) if turned else (picture.height, picture.width)


def _needs_no_change(picture: Image.Image, encoded: bytes) -> bool:
    """Whether the header shows a picture that TensorFlow decodes to what a viewer shows.

    Pillow decodes a PNG to look for its rotation, which may stand behind the pixels; so a PNG that
    has any such note is left to `_converted`.
    """
    if picture.mode not in ("L", "RGB") or picture.has_transparency_data:
        return False
    if picture.format == "PNG":
        noted = any(mark in encoded for mark in _PNG_ROTATION_MARKS)
        return not noted and not _is_sixteen_bit_png(encoded)
    return picture.format in _KEPT_FORMATS and _orientation(picture) in _UPRIGHT


def _converted(path: str, picture: Image.Image, encoded: bytes) -> ReadImage:
    """Decodes a picture that may need a change, and writes it anew if it does."""
    try:
        picture.load()
    except _DAMAGE as error:
        raise RecordError(
            "truncated_or_damaged",
            f"the picture {path} is truncated or damaged",
            found=f"{len(encoded)} bytes; {error}",
            expected=f"a whole {picture.format} of {picture.width} x {picture.height} pixels",
            fix="copy or download the file again",
        ) from error
    plain, conversions = _as_gray_or_rgb(path, picture, encoded)
    kept = not conversions and picture.format in _KEPT_FORMATS
    if not kept or not _decodes(encoded, plain):
        buffer = io.BytesIO()
        plain.save(buffer, format="PNG")
        encoded = buffer.getvalue()
        conversions.append("reencoded_as_png")
    channels = len(plain.getbands())
    return ReadImage(encoded, plain.height, plain.width, channels, tuple(conversions))


def _open(path: str, encoded: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(encoded))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, str(error)) from error
    except (UnidentifiedImageError, *_DAMAGE) as error:
        raise RecordError(
            "not_a_picture",
            f"{path} is not a picture that can be read",
            found=describe_content(encoded),
            expected="a JPEG or PNG (or BMP, TIFF, WebP, PPM) picture",
            fix="download the file again, or convert it to PNG",
        ) from error


def _refuse_unfit(path: str, picture: Image.Image) -> None:
    """Refuses what the header already shows to be unusable."""
    frames = getattr(picture, "n_frames", 1)
    # A phone's MPO is a plain JPEG first; its further pictures are previews.
    if frames > 1 and picture.format != "MPO":
        raise RecordError(
            "animated",
            f"{path} holds {frames} pictures",
            found=f"an animated or multi-page {picture.format}",
            expected="one picture a file",
            fix="write its frames into a folder as PNG files and use task=video on that folder",
        )
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_large(path, f"{picture.width} x {picture.height} pixels")
    if min(picture.size) < MIN_SIDE:
        raise RecordError(
            "too_small",
            f"the picture {path} is too small",
            found=f"{picture.width} x {picture.height} pixels",
            expected=f"at least {MIN_SIDE} x {MIN_SIDE}: coordinates need two ends an axis",
            fix="use a larger picture",
        )


def _too_large(path: str, found: str) -> RecordError:
    return RecordError(
        "too_large",
        f"the picture {path} is too large to be decoded safely",
        found=found,
        expected=f"at most {MAX_PIXELS:,} pixels (for example 8192 x 8192)",
        fix="scale it down first; the pipeline resizes it to data.height x data.width anyway",
    )


def _as_gray_or_rgb(
    path: str, picture: Image.Image, encoded: bytes
) -> tuple[Image.Image, list[str]]:
    """Brings any mode to upright 8-bit L or RGB, and names each change."""
    conversions: list[str] = []
    if _orientation(picture) not in _UPRIGHT:
        conversions.append("exif_orientation_applied")
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _eight_bits_gray(path, picture)
        conversions.append("sixteen_bits_to_eight")
    elif _is_sixteen_bit_png(encoded):
        conversions.append("sixteen_bits_to_eight")
    if picture.mode == "P":
        conversions.append("palette_expanded")
    if picture.has_transparency_data:
        conversions.append("alpha_composited_on_white")
        mode = "L" if picture.mode in ("L", "LA", "La") else "RGB"
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA")).convert(mode)
    elif picture.mode == "1":
        conversions.append("bilevel_to_gray")
        picture = picture.convert("L")
    elif picture.mode not in ("L", "RGB"):
        if picture.mode != "P":
            conversions.append(f"{picture.mode.lower()}_to_rgb")
        picture = picture.convert("RGB")
    return picture, conversions


def _eight_bits_gray(path: str, picture: Image.Image) -> Image.Image:
    """16-bit gray to 8-bit: 65535 becomes 255, halves are rounded."""
    values = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise RecordError(
            "unknown_value_range",
            f"the values of the picture {path} have no fixed range",
            found=f"mode {picture.mode}, values from {values.min()} to {values.max()}",
            expected="8 or 16 bits a channel",
            fix="scale it to 8 bits and save it as PNG",
        )
    return Image.fromarray(((values.astype(np.int64) + 128) // 257).astype(np.uint8))


def _orientation(picture: Image.Image) -> int:
    """The rotation noted in EXIF; 0 and 1 are upright."""
    return int(picture.getexif().get(_EXIF_ORIENTATION, 1))


def _is_sixteen_bit_png(encoded: bytes) -> bool:
    # Pillow drops the low bytes of 16-bit colour by itself; only the header tells.
    return encoded.startswith(b"\x89PNG\r\n\x1a\n") and encoded[24] == 16


def _decodes(encoded: bytes, picture: Image.Image) -> bool:
    """Whether TensorFlow, whose decoder is another one than Pillow's, reads the same size."""
    try:
        decoded = pictures.decode_rgb(tf.constant(encoded))
    except tf.errors.OpError:
        return False
    return tuple(decoded.shape[:2]) == (picture.height, picture.width)
