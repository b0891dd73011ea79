from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.detr.panoptic import (
    Segments,
    confident_queries,
    panoptic_segments,
    segment_png,
)

CLASSES = 200
THING, STUFF, OTHER_STUFF = 3, 150, 199
SIDE = 8


def logits_of(categories: list[int]) -> tf.Tensor:
    return 20.0 * tf.one_hot(categories, CLASSES + 1)


def segmented(categories: list[int], masks: np.ndarray) -> Segments:
    size = (SIDE, SIDE)
    return panoptic_segments(logits_of(categories), tf.constant(masks, tf.float32), size, size)


def halves() -> np.ndarray:
    """Three masks: left half, right half, and one that is second everywhere."""
    masks = np.zeros((3, SIDE, SIDE))
    masks[0, :, :4], masks[1, :, 4:], masks[2] = 3.0, 3.0, 2.0
    return masks


def test_queries_that_are_unsure_or_find_nothing_are_left_out() -> None:
    logits = logits_of([THING, CLASSES, STUFF, THING]).numpy()
    logits[2] /= 20.0
    assert confident_queries(tf.constant(logits)).numpy().tolist() == [0, 3]


def test_every_pixel_goes_to_the_highest_mask() -> None:
    segments = segmented([THING, STUFF], halves()[:2])
    expected = np.repeat([[0] * 4 + [1] * 4], SIDE, axis=0)
    np.testing.assert_array_equal(segments.ids, expected)
    assert segments.areas.numpy().tolist() == [32, 32]
    assert segments.categories.numpy().tolist() == [THING, STUFF]


def test_things_of_a_class_stay_apart() -> None:
    assert segmented([THING, THING], halves()[:2]).areas.numpy().tolist() == [32, 32]


def test_pixels_of_merged_stuff_go_to_the_mask_that_is_next_there() -> None:
    """Not to the stuff that they had been merged into: the authors do not merge a second time."""
    segments = segmented([STUFF, STUFF, OTHER_STUFF], halves())
    # The right half was merged into the left one, and the third mask had no pixel: both were
    # dropped, and with them the third one's claim on the right half.
    assert segments.categories.numpy().tolist() == [STUFF]
    assert segments.areas.numpy().tolist() == [64]

    masks = halves()
    masks[2, :2] = 4.0
    segments = segmented([STUFF, STUFF, OTHER_STUFF], masks)
    # Now the third one lives, and takes the right half, where it is second.
    assert segments.categories.numpy().tolist() == [STUFF, OTHER_STUFF]
    assert segments.areas.numpy().tolist() == [24, 40]
    assert segments.ids.numpy()[-1].tolist() == [0] * 4 + [1] * 4
    assert segments.queries.numpy().tolist() == [0, 2]


@pytest.mark.parametrize(("pixels", "kept"), [(4, False), (5, True)])
def test_segments_of_four_pixels_are_dropped(pixels: int, kept: bool) -> None:
    masks = np.zeros((2, SIDE, SIDE))
    masks[1].flat[:pixels] = 5.0
    segments = segmented([THING, THING], masks)
    assert segments.areas.numpy().tolist() == ([64 - pixels, pixels] if kept else [64])


def test_without_confident_queries_there_are_no_segments() -> None:
    segments = panoptic_segments(
        tf.zeros([0, CLASSES + 1]), tf.zeros([0, 2, 2]), (SIDE, SIDE), (5, 7)
    )
    assert segments.ids.shape == (5, 7) and not np.any(segments.ids)
    assert segments.categories.shape == segments.areas.shape == (0,)


def test_an_image_too_small_for_any_segment_has_none() -> None:
    masks = np.zeros((2, SIDE, SIDE))
    segments = panoptic_segments(
        logits_of([THING, THING]), tf.constant(masks, tf.float32), (SIDE, SIDE), (2, 2)
    )
    assert segments.categories.shape == (0,)
    assert not np.any(segments.ids)


def test_ids_are_written_as_coco_reads_them() -> None:
    ids = np.array([[0, 255, 256], [65535, 65536, 1 << 17]], np.int32)
    pixels = tf.io.decode_png(segment_png(tf.constant(ids))).numpy().astype(np.int64)
    np.testing.assert_array_equal(pixels @ [1, 256, 65536], ids)
