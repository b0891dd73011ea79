"""Two views of a picture: the one of evaluation, and the one of training with its random choices.

Pictures are resized as Pillow does, to the bit, in the authors' order: mirror, then either resize,
or resize, crop and resize. The random choices of a picture follow from its seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.example_gens.coco_config import CocoDataConfig
from components.transforms import augmentation_seeds, detr_geometry, pillow_resize
from components.transforms.detr_geometry import Lookup, Targets
from components.transforms.pillow_resize import Window

# Numbers drawn a picture: mirror, crop, size, size before the crop, width, height, top, left.
DRAWS = 8
PURPOSE = 1

# torchvision's `Normalize`; red, green, blue.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class View(NamedTuple):
    """A picture with its objects.

    Attributes:
        picture: `[height, width, 3]` uint8.
        targets: The objects in it.
        lookup: Which pixels of the original it shows.
    """

    picture: tf.Tensor
    targets: Targets
    lookup: Lookup


def evaluation_picture(picture: tf.Tensor, config: CocoDataConfig) -> tf.Tensor:
    """Resizes a picture for evaluation.

    Args:
        picture: `[height, width, 3]` uint8.
        config: The sizes.

    Returns:
        `[new height, new width, 3]` uint8.
    """
    size = tf.shape(picture)[:2]
    rows, columns = tf.unstack(evaluation_size(size, config))
    return pillow_resize.resize(picture, rows, columns)


def evaluation_size(size: tf.Tensor, config: CocoDataConfig) -> tf.Tensor:
    """The size of a picture in evaluation; `[2]` int32, of `[2]` int32."""
    return detr_geometry.resized_size(size, config.eval_size, config.max_size)


def evaluation_targets(
    targets: Targets, size: tf.Tensor, config: CocoDataConfig
) -> tuple[Targets, Lookup]:
    """The objects of a picture in evaluation, and which pixels it then shows.

    Args:
        targets: In the original picture.
        size: `[2]` int32; its height and width, pixels.
        config: The sizes.
    """
    lookup = detr_geometry.whole_picture(size)
    return detr_geometry.resize(targets, lookup, size, evaluation_size(size, config))


def training_view(
    picture: tf.Tensor, targets: Targets, seed: tf.Tensor, config: CocoDataConfig
) -> View:
    """The picture as training sees it this time.

    Args:
        picture: `[height, width, 3]` uint8.
        targets: Its objects.
        seed: `[2]` int64.
        config: The sizes, and which augmentation.
    """
    size = tf.shape(picture)[:2]
    view = View(picture, targets, detr_geometry.whole_picture(size))
    if config.augmentation == "none":
        return _resized(view, evaluation_size(size, config))
    drawn = augmentation_seeds.uniform(augmentation_seeds.fold_in(seed, PURPOSE), [DRAWS])
    view = tf.cond(drawn[0] < 0.5, lambda: _mirrored(view), lambda: view)
    if config.augmentation == "flip_resize_and_crop":
        uncropped = view
        view = tf.cond(
            drawn[1] < 0.5, lambda: uncropped, lambda: _cropped(uncropped, drawn[3:], config)
        )
    shorter = _choice(drawn[2], config.train_sizes)
    size = tf.shape(view.picture)[:2]
    return _resized(view, detr_geometry.resized_size(size, shorter, config.max_size))


def on_canvas(picture: tf.Tensor, side: int) -> tf.Tensor:
    """Normalises a picture and lays it onto a canvas of zeros.

    Args:
        picture: `[height, width, 3]` uint8, at most `side` each way.
        side: Of the canvas.

    Returns:
        `[side, side, 3]` float32.
    """
    missing = side - tf.shape(picture)[:2]
    paddings = tf.stack([[0, missing[0]], [0, missing[1]], [0, 0]])
    normalised = tf.pad(normalise(picture), paddings)
    return tf.ensure_shape(normalised, [side, side, 3])


def normalise(picture: tf.Tensor) -> tf.Tensor:
    """Levels -> ImageNet's normalised values, bit-equal to `ToTensor` and `Normalize`.

    Looked up, not computed, for the reasons of `pictures.to_signed_unit`.

    Args:
        picture: `[height, width, 3]` uint8.

    Returns:
        float32 of the same shape.
    """
    levels = np.arange(256, dtype=np.float32)[:, None] / np.float32(255.0)
    table = (levels - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
    # Level l of channel c is at 3 l + c.
    places = 3 * tf.cast(picture, tf.int32) + tf.range(3)
    return tf.gather(tf.constant(table.reshape(-1)), places)


def _mirrored(view: View) -> View:
    size = tf.shape(view.picture)[:2]
    flipped = detr_geometry.flip(view.targets, view.lookup, size)
    return View(tf.reverse(view.picture, [1]), *flipped)


def _cropped(view: View, drawn: tf.Tensor, config: CocoDataConfig) -> View:
    """Resizes without a limit and cuts a part out; only the part is computed.

    Args:
        view: The picture.
        drawn: `[5]` float32: size, width, height, top, left.
        config: The sizes.
    """
    size = tf.shape(view.picture)[:2]
    shorter = _choice(drawn[0], config.crop_resize_sizes)
    whole = detr_geometry.resized_size(size, shorter, None)
    most = tf.minimum(whole, config.crop_max)
    # Width first, as the authors draw it.
    width = _between(drawn[1], config.crop_min, most[1])
    height = _between(drawn[2], config.crop_min, most[0])
    top = _between(drawn[3], 0, whole[0] - height)
    left = _between(drawn[4], 0, whole[1] - width)
    window = Window(top, left, height, width)
    picture = pillow_resize.resize_window(view.picture, whole[0], whole[1], window)
    resized = detr_geometry.resize(view.targets, view.lookup, size, whole)
    part = detr_geometry.crop(*resized, tf.stack([top, left]), tf.stack([height, width]))
    return View(picture, *part)


def _resized(view: View, new_size: tf.Tensor) -> View:
    size = tf.shape(view.picture)[:2]
    picture = pillow_resize.resize(view.picture, new_size[0], new_size[1])
    return View(picture, *detr_geometry.resize(view.targets, view.lookup, size, new_size))


def _choice(drawn: tf.Tensor, values: Sequence[int]) -> tf.Tensor:
    """One of the values, each as likely; scalar int32."""
    return tf.gather(tf.constant(values, tf.int32), _between(drawn, 0, len(values) - 1))


def _between(drawn: tf.Tensor, low: int, high: tf.Tensor | int) -> tf.Tensor:
    """A whole number from low to high, both included, each as likely; scalar int32."""
    count = tf.cast(high, tf.int32) - low + 1
    return low + tf.minimum(tf.cast(drawn * tf.cast(count, tf.float32), tf.int32), count - 1)
