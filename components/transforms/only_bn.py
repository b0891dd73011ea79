"""Only-BN's Transform: the network's input, and the augmented view that training alone sees.

Normalisation is ImageNet's for every data set, as in the authors' code (open_lth,
datasets/cifar10.py and imagenet.py). The random choices of a picture follow from `augment/seed`
alone; the Trainer puts the record's seed mixed with the run's and the epoch there
(`augmentation_seeds.epoch_seed`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from components.example_gens import labelled_image_features as keys
from components.example_gens.labelled_image_config import (
    NATIVE_SIDES,
    LabelledImageDataConfig,
    config_of,
)
from components.example_gens.record_source import AUGMENT_SEED
from components.transforms import augmentation_seeds, pictures

IMAGE = "image"
AUGMENTED_IMAGE = "augmented/image"
LABEL = "label"

MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)

# Each kind of random choice has a number of its own: none repeats another's draws.
FLIP_AND_TRANSLATE_PURPOSE = 1
RESIZED_CROP_PURPOSE = 2
FLIP_PURPOSE = 3
# torchvision's RandomResizedCrop tries as often before it takes the centre.
CROP_ATTEMPTS = 10


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the inputs of a batch; the entry point that TFX's Transform calls.

    Args:
        inputs: The record's features, batched (see `labelled_image_features.py`).
        custom_config: The fields of `LabelledImageDataConfig`.

    Returns:
        `image` and `augmented/image`, both `[batch, side, side, 3]` float32, normalised; `label`
        `[batch]` int64. Only `augmented/image` depends on `augment/seed`.
    """
    config = config_of(custom_config)
    encoded = tf.reshape(inputs[keys.IMAGE_ENCODED], [-1])
    seeds = tf.reshape(inputs[AUGMENT_SEED], [-1, 2])
    # Each output has a map of its own: one map over both would be one loop in the graph, and
    # serving could not drop the augmentation from it.
    return {
        IMAGE: normalise(_evaluation_views(encoded, config)),
        AUGMENTED_IMAGE: normalise(_augmented_views(encoded, seeds, config)),
        LABEL: tf.reshape(inputs[keys.CLASS_LABEL], [-1]),
    }


def _evaluation_views(encoded: tf.Tensor, config: LabelledImageDataConfig) -> tf.Tensor:
    """`[batch]` encoded -> `[batch, side, side, 3]` uint8."""
    return tf.map_fn(
        lambda content: evaluation_view(_decoded(content, config), config),
        encoded,
        fn_output_signature=_levels_spec(config),
    )


def _augmented_views(
    encoded: tf.Tensor, seeds: tf.Tensor, config: LabelledImageDataConfig
) -> tf.Tensor:
    """`[batch]` encoded and `[batch, 2]` seeds -> `[batch, side, side, 3]` uint8."""
    if config.augmentation == "random_resized_crop":
        crops = tf.map_fn(
            lambda pair: random_resized_crop(_decoded(pair[0], config), pair[1], config),
            (encoded, seeds),
            fn_output_signature=_levels_spec(config),
        )
        return flipped(crops, draws(seeds, FLIP_PURPOSE, 1)[:, 0])
    views = _evaluation_views(encoded, config)
    if config.augmentation == "none":
        return views
    # The numbers are drawn picture by picture; the pixels are moved batch by batch, for loops in
    # the graph are slow.
    drawn = draws(seeds, FLIP_AND_TRANSLATE_PURPOSE, 3)
    if config.augmentation == "flip_and_translate":
        views = flipped(views, drawn[:, 0])
    return translated(views, drawn[:, 1:], config.padding)


def draws(seeds: tf.Tensor, purpose: int, count: int) -> tf.Tensor:
    """Random numbers of each picture, `[batch, count]` in [0, 1); a function of its seed alone."""
    return tf.map_fn(
        lambda seed: augmentation_seeds.uniform(augmentation_seeds.fold_in(seed, purpose), [count]),
        seeds,
        fn_output_signature=tf.TensorSpec([count], tf.float32),
    )


def evaluation_view(image: tf.Tensor, config: LabelledImageDataConfig) -> tf.Tensor:
    """Resizes the shorter side, then crops the centre, as torchvision does on a Pillow picture.

    Args:
        image: `[height, width, 3]` uint8.
        config: The data section.

    Returns:
        `[side, side, 3]` uint8.
    """
    side = config.image_size
    if image.shape[:2] == (side, side) and config.shorter_side == side:
        return image
    rows, columns = tf.shape(image)[0], tf.shape(image)[1]
    shorter = tf.minimum(rows, columns)
    resized_rows = rows * config.shorter_side // shorter
    resized_columns = columns * config.shorter_side // shorter
    resized = _resized(image, [resized_rows, resized_columns])
    top, left = _half(resized_rows - side), _half(resized_columns - side)
    return tf.ensure_shape(resized[top : top + side, left : left + side], [side, side, 3])


def flipped(images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """Mirrors left and right where the number is below 1/2.

    Args:
        images: `[batch, height, width, 3]` of any type.
        drawn: `[batch]` in [0, 1).
    """
    return tf.where((drawn < 0.5)[:, None, None, None], tf.reverse(images, [2]), images)


def translated(images: tf.Tensor, drawn: tf.Tensor, padding: int) -> tf.Tensor:
    """Pads with zeros (black, before normalisation) and crops the old size at random.

    Args:
        images: `[batch, side, side, 3]` uint8.
        drawn: `[batch, 2]` in [0, 1): top, left.
        padding: Pixels on each side; 2 * padding + 1 positions an axis, equally likely.
    """
    around = [padding, padding]
    padded = tf.pad(images, [[0, 0], around, around, [0, 0]])
    offsets = tf.cast(drawn * (2 * padding + 1), tf.int32)
    places = offsets[:, :, None] + tf.range(images.shape[1])
    rows = tf.gather(padded, places[:, 0], axis=1, batch_dims=1)
    return tf.gather(rows, places[:, 1], axis=2, batch_dims=1)


def random_resized_crop(
    image: tf.Tensor, seed: tf.Tensor, config: LabelledImageDataConfig
) -> tf.Tensor:
    """A random part of random area and aspect, resized: torchvision's RandomResizedCrop.

    Args:
        image: `[height, width, 3]` uint8.
        seed: `[2]` int64.
        config: The data section.

    Returns:
        `[side, side, 3]` uint8.
    """
    rows, columns = tf.shape(image)[0], tf.shape(image)[1]
    drawn = augmentation_seeds.uniform(
        augmentation_seeds.fold_in(seed, RESIZED_CROP_PURPOSE), [CROP_ATTEMPTS, 4]
    )
    window = crop_window(rows, columns, drawn, config.crop_min_scale, config.crop_max_ratio)
    top, left, height, width = tf.unstack(window)
    crop = image[top : top + height, left : left + width]
    side = config.image_size
    return tf.ensure_shape(_resized(crop, [side, side]), [side, side, 3])


def crop_window(
    rows: tf.Tensor, columns: tf.Tensor, drawn: tf.Tensor, min_scale: float, max_ratio: float
) -> tf.Tensor:
    """The first of the drawn windows that fits, else the largest about the centre.

    Args:
        rows: Rows of the picture; scalar int32.
        columns: Columns of the picture; scalar int32.
        drawn: `[attempts, 4]` in [0, 1): area, aspect, top, left.
        min_scale: Least share of the area.
        max_ratio: Largest ratio of width to height; the least is its inverse.

    Returns:
        `[4]` int32: top, left, height, width.
    """
    real_rows, real_columns = tf.cast(rows, tf.float32), tf.cast(columns, tf.float32)
    area = real_rows * real_columns * (min_scale + drawn[:, 0] * (1.0 - min_scale))
    log_ratio = np.log(max_ratio)
    ratio = tf.exp((2.0 * drawn[:, 1] - 1.0) * log_ratio)
    widths = tf.cast(tf.round(tf.sqrt(area * ratio)), tf.int32)
    heights = tf.cast(tf.round(tf.sqrt(area / ratio)), tf.int32)
    fits = (widths > 0) & (widths <= columns) & (heights > 0) & (heights <= rows)
    tops = tf.cast(drawn[:, 2] * tf.cast(rows - heights + 1, tf.float32), tf.int32)
    lefts = tf.cast(drawn[:, 3] * tf.cast(columns - widths + 1, tf.float32), tf.int32)
    windows = tf.stack([tops, lefts, heights, widths], axis=1)
    height = tf.minimum(rows, tf.cast(tf.round(real_columns * max_ratio), tf.int32))
    width = tf.minimum(columns, tf.cast(tf.round(real_rows * max_ratio), tf.int32))
    central = tf.stack([(rows - height) // 2, (columns - width) // 2, height, width])
    first = tf.argmax(tf.cast(fits, tf.int32))
    return tf.where(tf.reduce_any(fits), windows[first], central)


def normalise(levels: tf.Tensor) -> tf.Tensor:
    """(level / 255 - mean) / standard deviation, channel by channel.

    Looked up, not computed: the graph optimizer turns divisions into multiplications in some graphs
    and not in others, and serving would see other inputs than training.

    Args:
        levels: `[..., 3]` uint8.

    Returns:
        float32 of the same shape.
    """
    level = np.arange(256, dtype=np.float32)[:, None] / np.float32(255.0)
    mean, deviation = (np.array(one, np.float32) for one in (MEAN, STANDARD_DEVIATION))
    table = (level - mean) / deviation
    places = tf.cast(levels, tf.int32) * 3 + tf.range(3)
    return tf.gather(tf.constant(table.ravel()), places)


def _decoded(encoded: tf.Tensor, config: LabelledImageDataConfig) -> tf.Tensor:
    """`[height, width, 3]` uint8; of static size where the data set has one."""
    image = pictures.decode_rgb(encoded)
    side = NATIVE_SIDES.get(config.dataset)
    return image if side is None else tf.ensure_shape(image, [side, side, 3])


def _levels_spec(config: LabelledImageDataConfig) -> tf.TensorSpec:
    return tf.TensorSpec([config.image_size, config.image_size, 3], tf.uint8)


def _resized(image: tf.Tensor, size: Any) -> tf.Tensor:
    """Antialiased bilinear resize to whole levels, as Pillow resizes."""
    resized = tf.image.resize(image, size, method="bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)


def _half(excess: tf.Tensor) -> tf.Tensor:
    """Half of it, rounded to even as Python's `round`, which torchvision's CenterCrop uses."""
    return tf.cast(tf.round(tf.cast(excess, tf.float32) / 2.0), tf.int32)
