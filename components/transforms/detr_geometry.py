"""What flipping, resizing and cropping do to sizes and targets, as the authors' code has it.

Source: datasets/transforms.py of facebookresearch/detr. Boxes are float32 and every step rounds as
theirs does. Masks are looked up at the end (`detr_masks`); kept here is which row and column of the
original picture a pixel shows.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Targets(NamedTuple):
    """The objects of a picture.

    Attributes:
        boxes: `[n, 4]` float32; x1, y1, x2, y2 in pixels.
        labels: `[n]` int64.
        area: `[n]` float32, pixels.
        is_crowd: `[n]` int64.
        index: `[n]` int32, the position of each among the original ones, for its mask.
    """

    boxes: tf.Tensor
    labels: tf.Tensor
    area: tf.Tensor
    is_crowd: tf.Tensor
    index: tf.Tensor

    def kept(self, mask: tf.Tensor) -> Targets:
        """Those where `mask`, `[n]` bool, holds."""
        return Targets(*(tf.boolean_mask(one, mask) for one in self))


class Lookup(NamedTuple):
    """Which pixel of the original picture each pixel of a view shows, nearest neighbour.

    Attributes:
        rows: `[height]` int32.
        columns: `[width]` int32.
    """

    rows: tf.Tensor
    columns: tf.Tensor


def resized_size(size: tf.Tensor, shorter: tf.Tensor | int, max_size: int | None) -> tf.Tensor:
    """The size of a picture whose shorter side becomes `shorter`; see `coco_sizes.resized_size`.

    Args:
        size: `[2]` int32; height and width, pixels.
        shorter: Wanted shorter side, pixels; scalar.
        max_size: Wanted limit of the longer side, pixels; None for no limit.

    Returns:
        `[2]` int32.
    """
    least, most = tf.reduce_min(size), tf.reduce_max(size)
    shorter = tf.cast(shorter, tf.int32)
    if max_size is not None:
        low, high = tf.cast(least, tf.float64), tf.cast(most, tf.float64)
        # In the order of the authors' Python, whose numbers these are, and rounded to even.
        too_long = high / low * tf.cast(shorter, tf.float64) > max_size
        limited = tf.cast(tf.round(max_size * low / high), tf.int32)
        shorter = tf.where(too_long, limited, shorter)
    resized = tf.cast(
        tf.cast(shorter, tf.int64) * tf.cast(size, tf.int64) // tf.cast(least, tf.int64), tf.int32
    )
    return tf.where(least == shorter, size, resized)


def whole_picture(size: tf.Tensor) -> Lookup:
    """Every pixel shows itself."""
    return Lookup(tf.range(size[0]), tf.range(size[1]))


def flip(targets: Targets, lookup: Lookup, size: tf.Tensor) -> tuple[Targets, Lookup]:
    """Exchanges left and right.

    Args:
        targets: The objects.
        lookup: The pixels.
        size: `[2]` int32; height and width of the view, pixels.
    """
    width = tf.cast(size[1], tf.float32)
    x1, y1, x2, y2 = tf.unstack(targets.boxes, axis=1)
    boxes = tf.stack([width - x2, y1, width - x1, y2], axis=1)
    return targets._replace(boxes=boxes), lookup._replace(columns=lookup.columns[::-1])


def resize(
    targets: Targets, lookup: Lookup, size: tf.Tensor, new_size: tf.Tensor
) -> tuple[Targets, Lookup]:
    """Resizes a view.

    Args:
        targets: The objects.
        lookup: The pixels.
        size: `[2]` int32; height and width, pixels.
        new_size: The same after it.
    """
    ratio = tf.cast(new_size, tf.float64) / tf.cast(size, tf.float64)
    scale = tf.cast(tf.stack([ratio[1], ratio[0], ratio[1], ratio[0]]), tf.float32)
    area = targets.area * tf.cast(ratio[0] * ratio[1], tf.float32)
    rows = tf.gather(lookup.rows, _nearest(size[0], new_size[0]))
    columns = tf.gather(lookup.columns, _nearest(size[1], new_size[1]))
    return targets._replace(boxes=targets.boxes * scale, area=area), Lookup(rows, columns)


def crop(
    targets: Targets, lookup: Lookup, start: tf.Tensor, size: tf.Tensor
) -> tuple[Targets, Lookup]:
    """Cuts a part out; objects of which nothing is left in it go.

    Args:
        targets: The objects.
        lookup: The pixels.
        start: `[2]` int32; first row and column.
        size: `[2]` int32; rows and columns of the part.
    """
    offset = tf.cast(tf.stack([start[1], start[0], start[1], start[0]]), tf.float32)
    boxes = clip_boxes(targets.boxes - offset, size)
    sides = boxes[:, 2:] - boxes[:, :2]
    inside = targets._replace(boxes=boxes, area=sides[:, 0] * sides[:, 1])
    end = start + size
    part = Lookup(lookup.rows[start[0] : end[0]], lookup.columns[start[1] : end[1]])
    return inside.kept(tf.reduce_all(boxes[:, 2:] > boxes[:, :2], axis=1)), part


def clip_boxes(boxes: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """The part of boxes inside a picture.

    Args:
        boxes: `[n, 4]` float32; x1, y1, x2, y2 in pixels.
        size: `[2]` int32; height and width, pixels.
    """
    limit = tf.cast(tf.stack([size[1], size[0], size[1], size[0]]), tf.float32)
    return tf.maximum(tf.minimum(boxes, limit), 0.0)


def to_relative_cxcywh(boxes: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Boxes as the network learns them.

    Args:
        boxes: `[n, 4]` float32; x1, y1, x2, y2 in pixels.
        size: `[2]` int32; height and width, pixels.

    Returns:
        `[n, 4]` float32; centre x, centre y, width, height as parts of the picture's.
    """
    x1, y1, x2, y2 = tf.unstack(boxes, axis=1)
    centred = tf.stack([(x1 + x2) / 2.0, (y1 + y2) / 2.0, x2 - x1, y2 - y1], axis=1)
    return centred / tf.cast(tf.stack([size[1], size[0], size[1], size[0]]), tf.float32)


def _nearest(length: tf.Tensor, new_length: tf.Tensor) -> tf.Tensor:
    """The pixel that each new one shows, `[new_length]` int32, as `torch.nn.interpolate` has it."""
    scale = tf.cast(length, tf.float32) / tf.cast(new_length, tf.float32)
    shown = tf.floor(tf.cast(tf.range(new_length), tf.float32) * scale)
    return tf.minimum(tf.cast(shown, tf.int32), length - 1)
