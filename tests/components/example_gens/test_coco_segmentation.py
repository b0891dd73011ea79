"""Outlines in COCO's three forms against pycocotools, and those that are none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from components.example_gens.coco_segmentation import compressed_mask, decode_run_lengths
from components.example_gens.record_source import RecordError

SQUARE = [2, 2, 12, 2, 12, 12, 2, 12]


def decoded(text, height=20, width=30):
    return coco_mask.decode({"size": [height, width], "counts": text})


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    density=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_run_lengths_in_both_forms_give_the_same_mask(height, width, density, seed):
    mask = np.random.default_rng(seed).random((height, width)) < density
    text = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    lengths = decode_run_lengths(text)
    assert sum(lengths) == height * width
    for counts in (text, lengths):
        plain = {"size": [height, width], "counts": counts}
        found = decoded(compressed_mask(plain, height, width, "it"), height, width)
        np.testing.assert_array_equal(found, mask)


def test_polygons_are_united_as_by_pycocotools():
    polygons = [SQUARE, [8.5, 8.25, 25, 9, 20, 18.75]]
    parts = coco_mask.frPyObjects(polygons, 20, 30)
    wanted = np.maximum(*np.moveaxis(coco_mask.decode(parts), 2, 0))
    np.testing.assert_array_equal(decoded(compressed_mask(polygons, 20, 30, "it")), wanted)


@pytest.mark.parametrize(
    ("segmentation", "reason", "found"),
    [
        ([], "polygon", "no polygon"),
        ([[1, 2, 3, 4]], "polygon", "4 numbers"),
        ([[*SQUARE, 1]], "polygon", "9 numbers"),
        ([[1, 2, 3, float("nan"), 5, 6]], "polygon", "not finite"),
        ([[1, 2, 3, "4", 5, 6]], "segmentation", "no list of numbers"),
        ([1, 2, 3, 4, 5, 6], "segmentation", "no list of numbers"),
        (None, "segmentation", "NoneType"),
        ({"size": [30, 20], "counts": [600]}, "rle_size", "[30, 20]"),
        ({"counts": [600]}, "rle_size", "None"),
        ({"size": [20, 30], "counts": [599]}, "rle_counts", "in all 599"),
        ({"size": [20, 30], "counts": [601, -1]}, "rle_counts", "-1"),
        ({"size": [20, 30], "counts": [600.0]}, "rle_counts", "600.0"),
        ({"size": [20, 30], "counts": "xyz"}, "rle_counts", ""),
        ({"size": [20, 30], "counts": "`"}, "rle_counts", "end of the text"),
        ({"size": [20, 30], "counts": " "}, "rle_counts", "character"),
        ({"size": [20, 30], "counts": 600}, "segmentation", "int"),
    ],
)
def test_what_is_no_mask_of_the_picture_is_named(segmentation, reason, found):
    with pytest.raises(RecordError, match="annotation 7") as caught:
        compressed_mask(segmentation, 20, 30, "annotation 7")
    assert caught.value.reason == reason
    assert found in str(caught.value.found)
    assert caught.value.expected
    assert caught.value.fix
