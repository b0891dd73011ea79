import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.evaluators.box_overlaps import box_overlaps

coco_mask = pytest.importorskip("pycocotools.mask")

# Few whole numbers, so that boxes touch, coincide and have no area.
CORNERS = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.just(4)), elements=st.integers(0, 6).map(float)
)


def boxes_of(corners):
    boxes = corners.copy()
    boxes[:, 2:] = np.maximum(corners[:, :2], corners[:, 2:])
    return boxes


def official(boxes, targets, is_crowd):
    found, wanted = (
        np.concatenate([each[:, :2], each[:, 2:] - each[:, :2]], axis=1)
        for each in (boxes, targets)
    )
    return coco_mask.iou(found, wanted, is_crowd.astype(np.uint8).tolist())


@settings(max_examples=100, deadline=None)
@given(CORNERS, CORNERS, st.floats(0.01, 1e4), st.data())
def test_overlaps_are_pycocotools_to_the_bit(corners, target_corners, scale, data):
    boxes, targets = boxes_of(corners) * scale, boxes_of(target_corners) * scale
    is_crowd = data.draw(hnp.arrays(bool, len(targets)))
    assert np.array_equal(
        box_overlaps(boxes, targets, is_crowd), official(boxes, targets, is_crowd)
    )


def test_a_box_inside_a_crowd_overlaps_it_fully():
    box, target = np.array([[10.0, 10, 20, 20]]), np.array([[0.0, 0, 100, 100]])
    assert box_overlaps(box, target, np.array([False])) == pytest.approx(0.01)
    assert box_overlaps(box, target, np.array([True])) == 1.0


def test_boxes_without_targets_have_no_overlaps():
    none = np.zeros((0, 4))
    assert box_overlaps(np.ones((3, 4)), none, np.zeros(0, bool)).shape == (3, 0)
    assert box_overlaps(none, np.ones((2, 4)), np.zeros(2, bool)).shape == (0, 2)
