"""Masks: white is known; another size, or nothing known, is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from components.example_gens.image_reader import read_image
from components.example_gens.mask_reader import read_mask
from components.example_gens.record_source import RecordError


def png(levels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels.astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


PICTURE = read_image("picture", png(np.zeros((8, 10, 3))))


def levels_of(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)))


def test_black_and_white_mask_is_kept():
    levels = np.zeros((8, 10))
    levels[2:5] = 255
    encoded, conversions = read_mask("mask", png(levels), PICTURE, 8, 8)
    np.testing.assert_array_equal(levels_of(encoded), levels)
    assert conversions == ()


def test_gray_mask_is_cut_at_128_and_counted():
    levels = np.tile([[0, 127, 128, 255, 1]], (8, 2))
    encoded, conversions = read_mask("mask", png(levels), PICTURE, 8, 8)
    np.testing.assert_array_equal(levels_of(encoded)[0, :5], [0, 0, 255, 255, 0])
    assert conversions == ("mask_gray_levels_cut_at_128",)


def test_colour_mask_is_taken_by_its_brightness():
    levels = np.zeros((8, 10, 3))
    levels[:, 5:] = 255
    encoded, _ = read_mask("mask", png(levels), PICTURE, 8, 8)
    np.testing.assert_array_equal(levels_of(encoded)[0], [0] * 5 + [255] * 5)


def test_mask_of_another_size_is_refused():
    with pytest.raises(RecordError, match="another size") as caught:
        read_mask("mask.png", png(np.full((10, 8), 255)), PICTURE, 8, 8)
    assert caught.value.found == "8 x 10 pixels"
    assert caught.value.expected.startswith("10 x 8 pixels")


def test_black_mask_is_refused():
    with pytest.raises(RecordError, match="no pixel as known") as caught:
        read_mask("mask.png", png(np.zeros((8, 10))), PICTURE, 8, 8)
    assert caught.value.reason == "mask_empty"


def test_mask_whose_white_is_cropped_away_is_refused():
    levels = np.zeros((8, 10))
    levels[:, 0] = 255
    with pytest.raises(RecordError, match="no pixel as known") as caught:
        read_mask("mask.png", png(levels), PICTURE, 8, 8)
    assert caught.value.found.startswith("8 white pixels")
