"""Decode, gray, crop and resize against Pillow, with which the authors do it."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.transforms import pictures


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encode(image: Image.Image, format: str) -> tf.Tensor:
    buffer = io.BytesIO()
    image.save(buffer, format=format)
    return tf.constant(buffer.getvalue())


def pillow_crop(image: Image.Image, height: int, width: int) -> Image.Image:
    rows = max(1, min(image.height, (image.width * height + width // 2) // width))
    columns = max(1, min(image.width, (image.height * width + height // 2) // height))
    top, left = (image.height - rows) // 2, (image.width - columns) // 2
    return image.crop((left, top, left + columns, top + rows))


def photograph() -> Image.Image:
    """A smooth picture with edges and noise, as a photograph has."""
    rows, columns = np.mgrid[0:150, 0:220] / 30.0
    waves = 127 + 60 * np.sin(rows * columns) + 50 * np.sign(np.sin(3 * columns))
    levels = waves[..., None] + [0, 20, -20] + noise(150, 220) / 20
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_png_is_decoded_exactly(mode):
    image = photograph().convert(mode)
    found = pictures.decode_rgb(encode(image, "PNG")).numpy()
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


def test_jpeg_is_decoded_as_pillow_does_it():
    encoded = encode(photograph(), "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(encoded.numpy())).convert("RGB"))
    difference = np.abs(pictures.decode_rgb(encoded).numpy().astype(int) - expected)
    # Both are libjpeg with the accurate transform; versions may round a level differently.
    assert difference.max() <= 1


def test_gray_equals_pillow_to_the_level():
    levels = noise(40, 50)
    found = pictures.to_channels(tf.constant(levels), 1).numpy()[..., 0]
    np.testing.assert_array_equal(found, np.asarray(Image.fromarray(levels).convert("L")))


def test_gray_of_equal_channels_leaves_them():
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    found = pictures.to_channels(tf.constant(levels), 1).numpy()[..., 0]
    np.testing.assert_array_equal(found, levels[..., 0])


@pytest.mark.parametrize("size", [(10, 10), (11, 30), (30, 11), (2, 2), (2, 500)])
@pytest.mark.parametrize("target", [(8, 8), (4, 16), (16, 4)])
def test_crop_is_the_largest_of_the_aspect_about_the_centre(size, target):
    levels = noise(*size)
    found = pictures.centre_crop(tf.constant(levels), *target).numpy()
    expected = np.asarray(pillow_crop(Image.fromarray(levels), *target))
    np.testing.assert_array_equal(found, expected)
    assert min(found.shape[:2]) >= 1


@pytest.mark.parametrize(
    "target", [(64, 64), (32, 48), (150, 150), (37, 91)], ids=lambda size: f"{size[0]}x{size[1]}"
)
def test_reduction_equals_pillows_to_one_level(target):
    image = photograph()
    found = pictures.crop_and_resize(tf.constant(np.asarray(image)), *target).numpy()
    size = (target[1], target[0])
    expected = np.asarray(pillow_crop(image, *target).resize(size, Image.Resampling.BILINEAR))
    difference = np.abs(found - expected)
    # Pillow rounds between its two passes, so single pixels differ by a level; hardly any may.
    assert difference.max() <= 1.0
    assert difference.mean() < 0.15


def test_enlarging_equals_pillows_to_one_level():
    image = photograph().resize((20, 20))
    found = pictures.crop_and_resize(tf.constant(np.asarray(image)), 64, 64).numpy()
    expected = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR))
    assert np.abs(found - expected).max() <= 1.0


def test_same_size_is_left_alone():
    levels = noise(16, 16)
    found = pictures.crop_and_resize(tf.constant(levels), 16, 16).numpy()
    np.testing.assert_array_equal(found, levels)


def test_mask_is_resized_to_the_nearest_pixel():
    mask = Image.fromarray(np.where(noise(30, 44, 1)[..., 0] > 127, 255, 0).astype(np.uint8))
    found = pictures.crop_and_resize_mask(tf.constant(np.asarray(mask)[..., None]), 8, 8).numpy()
    expected = pillow_crop(mask, 8, 8).resize((8, 8), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(found[..., 0], np.asarray(expected) / 255)


def test_levels_are_mapped_as_the_authors_map_them():
    levels = np.arange(256, dtype=np.float32)
    found = pictures.to_signed_unit(tf.constant(levels)).numpy()
    expected = (levels / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    np.testing.assert_array_equal(found, expected)
    assert (found[0], found[-1]) == (-1.0, 1.0)


def test_graph_and_eager_mode_give_the_same_bits():
    levels = tf.constant(noise(30, 40))
    whole = tf.function(
        lambda image: pictures.to_signed_unit(pictures.crop_and_resize(image, 9, 9))
    )
    in_pipeline = next(iter(tf.data.Dataset.from_tensors(levels).map(whole)))
    np.testing.assert_array_equal(whole(levels), whole.python_function(levels))
    np.testing.assert_array_equal(in_pipeline, whole(levels))
