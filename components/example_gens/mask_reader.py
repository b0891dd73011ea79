"""Reads the mask of an inpainting task: white pixels are known, black ones are to be filled in."""

from __future__ import annotations

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from components.example_gens.image_reader import ReadImage, read_image
from components.example_gens.record_source import RecordError
from components.transforms import pictures


def read_mask(
    path: str, encoded: bytes, picture: ReadImage, height: int, width: int
) -> tuple[bytes, tuple[str, ...]]:
    """Checks a mask and brings it to black and white.

    Args:
        path: Names the mask in errors.
        encoded: The bytes of the mask's file.
        picture: The picture it belongs to; both must have one size, for both get the same crop.
        height: Rows that picture and mask will be resized to.
        width: Columns that they will be resized to.

    Returns:
        8-bit gray PNG with the levels 0 and 255, and the names of the conversions.

    Raises:
        RecordError: It is no picture, of another size, or nothing in it is known.
    """
    mask = read_image(path, encoded)
    if (mask.height, mask.width) != (picture.height, picture.width):
        raise RecordError(
            "mask_size",
            f"the mask {path} has another size than its picture",
            found=f"{mask.width} x {mask.height} pixels",
            expected=f"{picture.width} x {picture.height} pixels, as the picture",
            fix="draw the mask on a copy of the picture",
        )
    levels = np.asarray(Image.open(io.BytesIO(mask.encoded)).convert("L"))
    known = levels >= 128
    used = pictures.crop_and_resize_mask(
        tf.constant(known[..., None].astype(np.uint8) * 255), height, width
    )
    if not np.any(used.numpy()):
        raise RecordError(
            "mask_empty",
            f"the mask {path} marks no pixel as known",
            found=f"{int(known.sum())} white pixels in the file, none after crop and resize",
            expected="white (128 and above) where the picture is known",
            fix="invert the mask if it marks the hole instead",
        )
    conversions = list(mask.conversions)
    if np.any((levels != 0) & (levels != 255)):
        conversions.append("gray_levels_cut_at_128")
    buffer = io.BytesIO()
    Image.fromarray(np.where(known, 255, 0).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue(), tuple(f"mask_{name}" for name in conversions)
