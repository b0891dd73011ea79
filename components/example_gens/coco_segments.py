"""Checks a picture's panoptic map, a PNG of segment ids, against the segments of the JSON."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError
from pycocotools import mask as coco_mask
from scipy import ndimage

from components.example_gens import coco_features as keys
from components.example_gens.coco_objects import (
    CocoObject,
    require_box,
    require_category,
    require_flag,
)
from components.example_gens.file_kinds import describe_content
from components.example_gens.record_source import FeatureValue, RecordError

VOID = 0
_IDS = 2**24
_FIX = "download the panoptic annotations again; JSON and PNG belong together"
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


class Segment(NamedTuple):
    """An element of `segments_info`, checked.

    Attributes:
        number: Its id.
        category: COCO's category id.
        is_crowd: Whether it stands for many that were not told apart.
        box: left, top, width, height; pixels.
        area: Pixels.
    """

    number: int
    category: int
    is_crowd: bool
    box: tuple[float, float, float, float]
    area: int


class PanopticMap(NamedTuple):
    """A picture cut into segments.

    Attributes:
        encoded: The PNG.
        labels: uint16 `[height, width]`: the segment's position from 1 on, 0 where there is none.
        segments: The segments.
    """

    encoded: bytes
    labels: np.ndarray
    segments: list[Segment]

    def features(self) -> dict[str, FeatureValue]:
        """The features `image/panoptic/…` and `image/segment/…`."""
        found = self.segments
        return {
            keys.PANOPTIC_ENCODED: self.encoded,
            keys.SEGMENT_ID: np.array([one.number for one in found], np.int64),
            keys.SEGMENT_BOX_XYWH: np.array([one.box for one in found], np.float32).reshape(-1),
            keys.SEGMENT_AREA: np.array([one.area for one in found], np.float32),
            keys.SEGMENT_CATEGORY: np.array([one.category for one in found], np.int64),
            keys.SEGMENT_IS_CROWD: np.array([one.is_crowd for one in found], np.int64),
        }

    def things(self, categories: Collection[int]) -> list[CocoObject]:
        """The segments of these categories as objects."""
        return [
            CocoObject(
                one.box,
                one.category,
                float(one.area),
                one.is_crowd,
                bytes(
                    coco_mask.encode(np.asfortranarray(self.labels == position, np.uint8))["counts"]
                ),
            )
            for position, one in enumerate(self.segments, start=1)
            if one.category in categories
        ]


class SegmentChecker:
    """Checks maps, one after the other."""

    def check(
        self,
        encoded: bytes,
        segments_info: Any,
        categories: Collection[int],
        size: tuple[int, int],
        described: str,
    ) -> PanopticMap:
        """Checks a map and its segments.

        Args:
            encoded: The PNG.
            segments_info: Of the picture's element of `annotations`.
            categories: The ids that the file defines.
            size: Height and width of the picture, pixels.
            described: Names the map in errors.

        Raises:
            RecordError: They contradict each other.
        """
        numbers = _decode(encoded, size, described)
        segments = _segments(segments_info, categories, size, described)
        labels = self._labels(numbers, [one.number for one in segments])
        strangers = numbers[(labels == 0) & (numbers != VOID)]
        if len(strangers):
            raise RecordError(
                "id_not_in_json",
                f"{described} has pixels of a segment that the JSON does not list",
                found=f"id {strangers[0]}, {(strangers == strangers[0]).sum()} pixels of it",
                expected=f"0 or one of {len(segments)} ids of `segments_info`",
                fix=_FIX,
            )
        self._compare(labels, segments, described)
        return PanopticMap(encoded, labels, segments)

    @cached_property
    def _position_of(self) -> np.ndarray:
        """Segment id -> position, of the map at hand; a table, because looking up is its work."""
        return np.zeros(_IDS, np.uint16)

    def _labels(self, numbers: np.ndarray, ids: Sequence[int]) -> np.ndarray:
        self._position_of[list(ids)] = np.arange(1, len(ids) + 1)
        labels = self._position_of[numbers]
        self._position_of[list(ids)] = 0
        return labels

    def _compare(self, labels: np.ndarray, segments: Sequence[Segment], described: str) -> None:
        areas = np.bincount(labels.ravel(), minlength=len(segments) + 1)[1:]
        places = ndimage.find_objects(labels, max_label=len(segments))
        for one, area, place in zip(segments, areas.tolist(), places, strict=True):
            named = f"segment {one.number} of {described}"
            if place is None:
                raise RecordError(
                    "id_not_in_png",
                    f"the JSON lists a {named}, but no pixel has its id",
                    found=f"an area of {one.area} pixels in the JSON",
                    expected="at least one pixel",
                    fix=_FIX,
                )
            rows, columns = place
            width, height = columns.stop - columns.start, rows.stop - rows.start
            box = columns.start, rows.start, width, height
            for reason, what, listed, found in (
                ("segment_area", "area", one.area, area),
                ("segment_box", "box", one.box, box),
            ):
                if listed != found:
                    raise RecordError(
                        reason,
                        f"the {what} of {named} in the JSON is not that of its pixels",
                        found=listed,
                        expected=f"{found}, as in the PNG",
                        fix=_FIX,
                    )


def _decode(encoded: bytes, size: tuple[int, int], described: str) -> np.ndarray:
    """The segment ids of a PNG; int32 `[height, width]`."""
    try:
        picture = Image.open(io.BytesIO(encoded), formats=["PNG"])
        picture.load()
    except (UnidentifiedImageError, *_DAMAGE) as error:
        raise RecordError(
            "damaged_png",
            f"{described} cannot be read",
            found=describe_content(encoded),
            expected="a whole PNG",
            fix=_FIX,
        ) from error
    # Pillow drops the low bytes of 16-bit colour by itself; only the header tells.
    if picture.mode != "RGB" or encoded[24] != 8:
        raise RecordError(
            "png_mode",
            f"{described} holds no segment ids",
            found=f"a PNG of mode {picture.mode}, {encoded[24]} bits a channel",
            expected="RGB of 8 bits, the id being R + 256 G + 65536 B",
            fix="the map must not be converted: palettes and gray levels lose the ids",
        )
    if (picture.height, picture.width) != size:
        raise RecordError(
            "png_size",
            f"{described} has another size than its picture",
            found=f"{picture.width} x {picture.height} pixels",
            expected=f"{size[1]} x {size[0]} pixels",
            fix="use the official pictures and maps, none of them resized",
        )
    channels = np.asarray(picture).astype(np.int32)
    return channels[..., 0] + 256 * channels[..., 1] + 65536 * channels[..., 2]


def _segments(
    segments_info: Any, categories: Collection[int], size: tuple[int, int], described: str
) -> list[Segment]:
    if not isinstance(segments_info, list) or not all(
        isinstance(one, dict) and type(one.get("id")) is int for one in segments_info
    ):
        raise _malformed(described, "no list of objects with an `id`")
    segments = []
    for one in segments_info:
        number, area = one["id"], one.get("area")
        named = f"segment {number} of {described}"
        if not VOID < number < _IDS:
            raise _malformed(described, f"the id {number}")
        if type(area) is not int:
            raise _malformed(described, f"the area {area!r} of segment {number}")
        segments.append(
            Segment(
                number,
                require_category(one.get("category_id"), categories, named),
                require_flag(one.get("iscrowd"), named),
                require_box(one.get("bbox"), *size, named),
                area,
            )
        )
    if len({one.number for one in segments}) < len(segments):
        raise _malformed(described, "an id twice")
    return segments


def _malformed(described: str, found: str) -> RecordError:
    return RecordError(
        "segments_info",
        f"the `segments_info` of {described} cannot be used",
        found=found,
        expected="objects with an id from 1 to 16777215 of its own, category_id, iscrowd, bbox "
        "and area",
        fix=_FIX,
    )
