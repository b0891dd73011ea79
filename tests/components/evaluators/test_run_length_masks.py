import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("pycocotools")

from detection_sets import texts
from pycocotools import mask as coco_mask

from components.errors import DataError
from components.evaluators.run_length_masks import RunLengthMasks, mask_overlaps
from components.evaluators.run_length_text import read_run_lengths

MASKS = hnp.arrays(
    bool, st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9)), fill=st.booleans()
)


def lengths_of(mask):
    """Run lengths of one mask, a pixel at a time."""
    lengths, inside = [0], False
    for pixel in mask.T.ravel():
        if pixel != inside:
            lengths.append(0)
            inside = bool(pixel)
        lengths[-1] += 1
    return lengths


def masks_of(masks):
    return RunLengthMasks.of_texts(texts(masks).tolist(), masks.shape[1:])


def pixels_of(runs):
    """The masks that runs stand for, a run at a time."""
    height, width = runs.size
    masks = np.zeros((len(runs.bounds) - 1, height * width), bool)
    for place, mask in enumerate(masks):
        for run in range(runs.bounds[place], runs.bounds[place + 1]):
            mask[runs.starts[run] : runs.ends[run]] = True
    return masks.reshape(-1, width, height).transpose(0, 2, 1)


@given(MASKS)
def test_texts_and_lengths_stand_for_the_same_pixels(masks):
    size = masks.shape[1:]
    lengths = [lengths_of(mask) for mask in masks]
    counts = np.array([len(one) for one in lengths], np.int64)
    joined = np.array([one for each in lengths for one in each], np.int64)
    for runs in (masks_of(masks), RunLengthMasks.of_lengths(joined, counts, size)):
        assert np.array_equal(pixels_of(runs), masks)
        assert runs.areas.tolist() == masks.sum(axis=(1, 2)).tolist()


@settings(max_examples=100)
@given(st.lists(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=12), max_size=5))
def test_texts_of_any_lengths_are_read_as_pycocotools_wrote_them(all_lengths):
    written = [
        coco_mask.frPyObjects({"size": [1, sum(one)], "counts": one}, 1, sum(one))["counts"]
        for one in all_lengths
    ]
    lengths, counts = read_run_lengths(written)
    assert counts.tolist() == [len(one) for one in all_lengths]
    assert lengths.tolist() == [length for one in all_lengths for length in one]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_overlaps_are_pycocotools_to_the_bit(height, width, data):
    found, targets = (
        data.draw(hnp.arrays(bool, (data.draw(st.integers(1, 4)), height, width))) for _ in range(2)
    )
    is_crowd = data.draw(hnp.arrays(bool, len(targets)))
    everything = np.ones((len(found), len(targets)), bool)
    overlaps = mask_overlaps(masks_of(found), masks_of(targets), is_crowd, everything)
    encoded = [
        [{"size": [height, width], "counts": text} for text in texts(each)]
        for each in (found, targets)
    ]
    assert np.array_equal(overlaps, coco_mask.iou(*encoded, is_crowd.astype(np.uint8).tolist()))
    some = data.draw(hnp.arrays(bool, everything.shape))
    chosen = mask_overlaps(masks_of(found), masks_of(targets), is_crowd, some)
    assert np.array_equal(chosen, np.where(some, overlaps, 0.0))


@given(
    hnp.arrays(
        np.int32, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 5)
    ),
    st.permutations(range(7)),
    st.integers(0, 7),
)
def test_each_segment_of_a_map_is_a_mask(segment_map, order, count):
    ids = np.array(order[:count], np.int64)
    runs = RunLengthMasks.of_segments(segment_map, ids)
    assert np.array_equal(pixels_of(runs), segment_map == ids[:, np.newaxis, np.newaxis])


def test_masks_of_another_size_are_refused():
    lengths, counts = np.array([3, 4, 6, 0, 12]), np.array([3, 2])
    with pytest.raises(DataError, match=r"mask 0 is not of the image's size[\s\S]*13 pixels"):
        RunLengthMasks.of_lengths(lengths, counts, (3, 4))
    with pytest.raises(DataError, match="the lengths of runs are no masks"):
        RunLengthMasks.of_lengths(np.array([5, -1, 8]), np.array([3]), (3, 4))
    with pytest.raises(DataError, match="the lengths of runs are no masks"):
        RunLengthMasks.of_lengths(np.array([12]), np.array([2]), (3, 4))
    whole = RunLengthMasks.of_lengths(np.array([0, 12]), np.array([2]), (3, 4))
    turned = RunLengthMasks.of_lengths(np.array([0, 12]), np.array([2]), (4, 3))
    with pytest.raises(DataError, match="different sizes"):
        whole.intersections(turned, np.ones((1, 1), bool))


@pytest.mark.parametrize("text", [b"P", b"3 4", b"0\xff", b"33P", b"PPPPPPPPPPPP0"])
def test_texts_that_are_no_masks_are_named(text):
    with pytest.raises(DataError, match=r"the text of mask 1 is none of COCO's"):
        read_run_lengths([b"33", text, b"33"])


def test_an_empty_text_is_a_mask_without_lengths():
    lengths, counts = read_run_lengths([b"", b"33", b""])
    assert (lengths.tolist(), counts.tolist()) == ([3, 3], [0, 2, 0])
    with pytest.raises(DataError, match="mask 0 is not of the image's size"):
        RunLengthMasks.of_texts([b"", b"33"], (2, 3))
