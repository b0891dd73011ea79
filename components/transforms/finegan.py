"""FineGAN's Transform: two views of a picture, and where its object is in the second.

The object view is the box, squared and widened by half. The scene view is the whole picture; the
background discriminator leaves out its patches that the object touches, hence the warped box.
Rounding and interpolation are the authors' (`code/datasets.py`, `get_imgs`; `code/main.py`). The
random choices of a picture follow from `augment/seed` alone; the Trainer puts the record's seed
mixed with the run's and the epoch there (`augmentation_seeds.epoch_seed`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.example_gens import boxed_image_features as keys
from components.example_gens.boxed_image_config import config_of
from components.example_gens.record_source import AUGMENT_SEED
from components.transforms import augmentation_seeds, pictures
from components.transforms.pillow_resize import Window, resize_window

OBJECT_VIEW = "object_view"
SCENE_VIEW = "scene_view"
SCENE_BOX = "scene_box_yxyx"
AUGMENTED_OBJECT_VIEW = f"augmented/{OBJECT_VIEW}"
AUGMENTED_SCENE_VIEW = f"augmented/{SCENE_VIEW}"
AUGMENTED_SCENE_BOX = f"augmented/{SCENE_BOX}"
LABEL = "label"
EXAMPLE_KEY = "example_key"

# Each kind of random choice has a number of its own: none repeats another's draws.
OBJECT_PURPOSE = 1
SCENE_PURPOSE = 2
# Numbers drawn a view: top, left, flip.
DRAWS = 3

Views = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
# From the pixels to spare, `[2]` down and across, to top, left, and whether to mirror.
Choice = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, Any]]


def scene_size(image_size: int) -> int:
    """Side of the scene view, pixels: 126 for 128.

    Two less, because the patches of the background discriminator (34 pixels, every 4) then cover it
    without a rest.
    """
    return image_size - 2


def resized_side(crop_side: int) -> int:
    """The shorter side from which a crop is taken: 152 for 128, 149 for 126."""
    return crop_side * 76 // 64


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the inputs of a batch; the entry point that TFX's Transform calls.

    Args:
        inputs: The record's features, batched (see `boxed_image_features.py`).
        custom_config: The fields of `BoxedImageDataConfig`.

    Returns:
        Twice, the second time under `augmented/…`: `object_view` `[batch, side, side, 3]` with side
        = `image_size`, and `scene_view` `[batch, side - 2, side - 2, 3]`, float32 in [-1, 1];
        `scene_box_yxyx` `[batch, 4]` float32: top, left, bottom, right of the object in the scene
        view, pixels, without area where the crop misses it. Once: `label` `[batch]` int64, and
        `example_key` `[batch]` int64, a number that the record's id alone determines, to seed what
        evaluation draws for it. Only the augmented ones depend on `augment/seed`.
    """
    side = config_of(custom_config).image_size
    encoded = tf.reshape(inputs[keys.IMAGE_ENCODED], [-1])
    boxes = tf.reshape(inputs[keys.BOX_XYWH], [-1, 4])
    seeds = tf.reshape(inputs[AUGMENT_SEED], [-1, 2])
    # A loop each: one loop over both would be one operation in the graph, and serving could not
    # drop the augmentation from it. Each decodes a picture once.
    plain = _mapped(lambda one: evaluation_views(one[0], one[1], side), (encoded, boxes), side)
    augmented = _mapped(
        lambda one: augmented_views(one[0], one[1], one[2], side), (encoded, boxes, seeds), side
    )
    identifiers = tf.reshape(inputs[keys.IMAGE_ID], [-1])
    return {
        OBJECT_VIEW: pictures.to_signed_unit(plain[0]),
        SCENE_VIEW: pictures.to_signed_unit(plain[1]),
        SCENE_BOX: plain[2],
        AUGMENTED_OBJECT_VIEW: pictures.to_signed_unit(augmented[0]),
        AUGMENTED_SCENE_VIEW: pictures.to_signed_unit(augmented[1]),
        AUGMENTED_SCENE_BOX: augmented[2],
        LABEL: tf.reshape(inputs[keys.CLASS_LABEL], [-1]),
        EXAMPLE_KEY: tf.strings.to_hash_bucket_fast(identifiers, 2**63 - 1),
    }


def evaluation_views(encoded: tf.Tensor, box: tf.Tensor, side: int) -> Views:
    """The views of training without its random choices: central crops, not mirrored.

    Args:
        encoded: Scalar string.
        box: `[4]` float32; left, top, width, height in pixels.
        side: Of the object view.

    Returns:
        Object view `[side, side, 3]` uint8, scene view `[side - 2, side - 2, 3]` uint8, and
        the box in it `[4]` float32, top, left, bottom, right.
    """
    return _views(encoded, box, side, _central, _central)


def augmented_views(encoded: tf.Tensor, box: tf.Tensor, seed: tf.Tensor, side: int) -> Views:
    """The views of training: crops and mirroring of each view at random, apart from the other's.

    Args:
        encoded: Scalar string.
        box: `[4]` float32; left, top, width, height in pixels.
        seed: `[2]` int64.
        side: Of the object view.

    Returns:
        As `evaluation_views`.
    """

    def drawn(purpose: int) -> tf.Tensor:
        return augmentation_seeds.uniform(augmentation_seeds.fold_in(seed, purpose), [DRAWS])

    in_object, in_scene = drawn(OBJECT_PURPOSE), drawn(SCENE_PURPOSE)
    return _views(
        encoded,
        box,
        side,
        lambda spare: (*_start(in_object, spare + 1), in_object[2] < 0.5),
        # numpy's `randint`, with which this crop is drawn, leaves out the last position, which
        # torchvision's, with which the other one is, does not.
        lambda spare: (*_start(in_scene, spare), in_scene[2] < 0.5),
    )


def _views(
    encoded: tf.Tensor, box: tf.Tensor, side: int, in_object: Choice, in_scene: Choice
) -> Views:
    """Both views and the warped box; see `evaluation_views`."""
    image = pictures.decode_rgb(encoded)
    # The authors' boxes are whole numbers, cut towards zero (`astype(int)`).
    whole_box = tf.cast(box, tf.int32)
    crop = object_square(image, whole_box)
    object_view, *_ = _cropped(crop, side, in_object)
    small = scene_size(side)
    scene_view, size, start, mirrored = _cropped(image, small, in_scene)
    warped = warped_box(whole_box, tf.shape(image)[:2], size, start, mirrored, small)
    return object_view, scene_view, warped


def object_square(image: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """The square about the box's centre, 1.5 times its longer side, as far as it is in the picture.

    Args:
        image: `[height, width, 3]`.
        box: `[4]` int32; left, top, width, height.

    Returns:
        `[rows, columns, 3]`.
    """
    left, top, width, height = tf.unstack(box)
    # Exact: three quarters of a whole number are a whole number of quarters.
    radius = 3 * tf.maximum(width, height) // 4
    column, row = (2 * left + width) // 2, (2 * top + height) // 2
    return image[
        tf.maximum(row - radius, 0) : row + radius, tf.maximum(column - radius, 0) : column + radius
    ]


def warped_box(
    box: tf.Tensor,
    image_size: tf.Tensor,
    resized_size: tf.Tensor,
    start: tf.Tensor,
    mirrored: Any,
    side: int,
) -> tf.Tensor:
    """Where the box is after resize, crop and mirroring, cut off at the crop's border.

    Computed in float64, as the authors' Python does, because the patch mask rounds it up and down.

    Args:
        box: `[4]` int32; left, top, width, height.
        image_size: `[2]` int32; rows and columns of the picture.
        resized_size: The same after resizing.
        start: `[2]` int32; first row and column of the crop.
        mirrored: Whether left and right are exchanged; scalar bool.
        side: Of the crop, pixels.

    Returns:
        `[4]` float32: top, left, bottom, right, in [0, side].
    """
    exact, old, new = (tf.cast(one, tf.float64) for one in (box, image_size, resized_size))
    first = exact[1::-1] * new / old
    last = first + exact[3:1:-1] * new / old
    offset = tf.cast(start, tf.float64)
    first, last = (tf.clip_by_value(one - offset, 0.0, side) for one in (first, last))
    across = tf.where(mirrored, tf.stack([side - last[1], side - first[1]]), [first[1], last[1]])
    return tf.cast(tf.stack([first[0], across[0], last[0], across[1]]), tf.float32)


def _cropped(
    image: tf.Tensor, side: int, choose: Choice
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, Any]:
    """Resizes the shorter side, crops and mirrors: (view, resized size, start, mirrored)."""
    size = tf.shape(image)[:2]
    # The other side is cut to a whole number, as torchvision's `Scale` does.
    resized = size * resized_side(side) // tf.reduce_min(size)
    top, left, mirrored = choose(resized - side)
    view = resize_window(image, resized[0], resized[1], Window(top, left, side, side))
    view = tf.where(mirrored, tf.reverse(view, [1]), view)
    return tf.ensure_shape(view, [side, side, 3]), resized, tf.stack([top, left]), mirrored


def _central(spare: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Any]:
    """Rounded to even at halves, as torchvision's `CenterCrop`."""
    start = tf.cast(tf.round(tf.cast(spare, tf.float32) / 2.0), tf.int32)
    return start[0], start[1], tf.constant(False)


def _start(drawn: tf.Tensor, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Top and left, each one of as many positions."""
    start = tf.cast(drawn[:2] * tf.cast(positions, tf.float32), tf.int32)
    return start[0], start[1]


def _mapped(function: Callable[[Any], Views], elements: Any, side: int) -> Views:
    small = scene_size(side)
    return tf.map_fn(
        function,
        elements,
        fn_output_signature=(
            tf.TensorSpec([side, side, 3], tf.uint8),
            tf.TensorSpec([small, small, 3], tf.uint8),
            tf.TensorSpec([4], tf.float32),
        ),
    )
