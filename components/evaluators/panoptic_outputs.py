"""What a panoptic model's `evaluate` signature gives, and how a metric reads one image of it.

Names and shapes per image, beside `image_id` and `original_size` of `detection_outputs`; `s`
differs from image to image and is padded within a batch, with the segment id -1, last.

    panoptic_png                bytes [], an RGB PNG of the original size whose pixels are
                                segment ids, R + 256 G + 65536 B
    segment_ids                 int64 [s]
    segment_categories          int64 [s], COCO's category ids
    target_panoptic_png         bytes [], likewise
    target_segment_ids          int64 [s], without 0, which is void
    target_segment_categories   int64 [s]
    target_segment_is_crowd     int64 [s], 0 or 1
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.detection_outputs import (
    output_of,
    read_image_id,
    read_original_size,
    without_padding,
)

PANOPTIC_PNG = "panoptic_png"
SEGMENT_IDS = "segment_ids"
SEGMENT_CATEGORIES = "segment_categories"
TARGET = "target_"
TARGET_SEGMENT_IS_CROWD = "target_segment_is_crowd"

VOID = 0


@dataclass(frozen=True, eq=False)
class PanopticSegments:
    """An image cut into segments.

    Attributes:
        segment_map: int32 `[height, width]`, the id of each pixel's segment.
        ids: int64 `[segments]`, all different.
        categories: int64 `[segments]`.
        is_crowd: bool `[segments]`.
    """

    segment_map: NDArray[np.int32]
    ids: NDArray[np.int64]
    categories: NDArray[np.int64]
    is_crowd: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PanopticImage:
    """One image's true and predicted segments, of the same size.

    Attributes:
        image_id: The image's number in the data set.
        predicted: What the model found; without crowds.
        target: What there is to find.
    """

    image_id: int
    predicted: PanopticSegments
    target: PanopticSegments


def read_panoptic(outputs: Any) -> PanopticImage:
    """The segments of one image.

    Raises:
        DataError: An output is absent, a PNG cannot be read or has another size than the image, or
            an id is listed twice.
    """
    return PanopticImage(
        read_image_id(outputs),
        read_segments(outputs, is_target=False),
        read_segments(outputs, is_target=True),
    )


def read_segments(outputs: Any, *, is_target: bool) -> PanopticSegments:
    """The true or the predicted segments of one image.

    Raises:
        DataError: As for `read_panoptic`.
    """
    prefix = TARGET if is_target else ""
    image_id, size = read_image_id(outputs), read_original_size(outputs)
    ids = without_padding(outputs, prefix + SEGMENT_IDS, prefix + SEGMENT_IDS).astype(np.int64)
    categories = without_padding(outputs, prefix + SEGMENT_CATEGORIES, prefix + SEGMENT_IDS)
    is_crowd = np.zeros(ids.shape, bool)
    if is_target:
        is_crowd = without_padding(outputs, TARGET_SEGMENT_IS_CROWD, prefix + SEGMENT_IDS) != 0
    if len(set(ids.tolist())) < ids.size:
        raise DataError(
            f"image {image_id} lists a segment twice in `{prefix}{SEGMENT_IDS}`",
            found=sorted(ids.tolist()),
            expected="each id once",
        )
    png = np.ravel(output_of(outputs, prefix + PANOPTIC_PNG))[0]
    segment_map = decode_segment_map(png, f"image {image_id}: `{prefix}{PANOPTIC_PNG}`")
    if segment_map.shape != size:
        raise DataError(
            f"image {image_id}: `{prefix}{PANOPTIC_PNG}` is not of the image's size",
            found=f"{segment_map.shape[0]} rows of {segment_map.shape[1]} pixels",
            expected=f"{size[0]} rows of {size[1]}",
        )
    return PanopticSegments(segment_map, ids, categories.astype(np.int64), is_crowd)


def decode_segment_map(png: bytes, name: str) -> NDArray[np.int32]:
    """The segment ids that a PNG holds, R + 256 G + 65536 B.

    Args:
        png: RGB, 8 bits a channel.
        name: What to call it in an error.

    Returns:
        `[height, width]`.

    Raises:
        DataError: It is no such PNG.
    """
    # Imported here: the measures import with numpy alone.
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(png), formats=["PNG"])
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"{name} cannot be read",
            found=f"{len(png)} bytes: {error}",
            expected="a whole PNG",
        ) from error
    if image.mode != "RGB":
        raise DataError(
            f"{name} holds no segment ids",
            found=f"a PNG of mode {image.mode}",
            expected="RGB, the id being R + 256 G + 65536 B",
        )
    # Pillow keeps four bytes a pixel; read as one number they are the id, once the fourth is gone.
    pixels = np.frombuffer(image.tobytes("raw", "RGBX"), np.dtype("<i4")) & 0xFFFFFF
    return pixels.astype(np.int32, copy=False).reshape(image.height, image.width)
