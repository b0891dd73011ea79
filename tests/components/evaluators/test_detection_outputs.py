import numpy as np
import pytest

from components.errors import DataError
from components.evaluators.image_regions import box_regions, mask_regions


def outputs(**changes):
    """What a model gives for image 42: two queries, one target, padding behind it."""
    given = {
        "image_id": np.int64(42),
        "original_size": np.array([3, 4]),
        "scores": np.array([0.9, 0.1], np.float32),
        "labels": np.array([18, 0]),
        "boxes_xyxy": np.array([[0, 0, 10, 10], [5, 5, 5, 9]], np.float32),
        "target_labels": np.array([18, -1, -1]),
        "target_boxes_xyxy": np.array([[0, 0, 10, 5], [0, 0, 0, 0], [9, 9, -1, -1]], np.float32),
        "target_area": np.array([40.0, np.nan, 0.0], np.float32),
        "target_is_crowd": np.array([0, 0, 0]),
        "mask_rle": np.array([b"0<", b"<"], object),
        "target_mask_rle": np.array([b"363", b"", b""], object),
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def test_an_image_is_read_without_its_padding():
    boxes = box_regions(outputs())
    assert boxes.image_id == 42
    assert boxes.detected.labels.tolist() == [18, 0]
    assert boxes.targets.labels.tolist() == [18]
    assert boxes.targets.areas.tolist() == [40.0]
    assert boxes.areas.tolist() == [100.0, 0.0]
    assert boxes.overlaps.tolist() == [[0.5], [0.0]]
    masks = mask_regions(outputs())
    assert masks.areas.tolist() == [12.0, 0.0]
    assert masks.overlaps.tolist() == [[0.5], [0.0]]
    assert masks.targets.areas.tolist() == [40.0]


def test_an_image_with_nothing_in_it_is_read():
    nothing = outputs(
        scores=np.zeros(0),
        labels=np.zeros(0, np.int64),
        boxes_xyxy=np.zeros((0, 4)),
        target_labels=np.full(3, -1),
        mask_rle=np.zeros(0, object),
    )
    assert box_regions(nothing).overlaps.shape == (0, 0)
    assert mask_regions(nothing).overlaps.shape == (0, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"scores": [0.9, np.nan]},
            r"image 42 has a value .*`scores`[\s\S]*nan in row 1[\s\S]*div",
        ),
        ({"boxes_xyxy": [[0, 0, 1, 1], [0, np.inf, 1, 1]]}, "image 42 .*`boxes_xyxy`"),
        (
            {"boxes_xyxy": [[0, 0, 1, 1], [5, 0, 4, 1]]},
            r"negative size in `boxes_xyxy`[\s\S]*box 1",
        ),
        ({"target_boxes_xyxy": [[np.nan] * 4] * 3}, "image 42 .*`target_boxes_xyxy`"),
        ({"target_boxes_xyxy": [[0, 5, 1, 4]] * 3}, "negative size in `target_boxes_xyxy`"),
        ({"target_area": [-1.0, 0, 0]}, "image 42 has a target of negative area"),
        ({"target_area": [np.inf, 0, 0]}, "image 42 .*`target_area`"),
        ({"labels": [18, -2]}, r"image 42 has an unknown category in `labels`[\s\S]*found: +-2"),
        ({"target_labels": [0, -1, -1]}, "unknown category in `target_labels`"),
        ({"target_labels": [-1, 18, -1]}, "image 42: .*`target_labels`[\\s\\S]*padding last"),
        ({"scores": [0.9]}, r"image 42: the output `scores` does not fit `labels`"),
        ({"boxes_xyxy": np.zeros((2, 3))}, "`boxes_xyxy` does not fit `labels`"),
        ({"target_is_crowd": [0]}, "`target_is_crowd` does not fit `target_labels`"),
        ({"scores": None}, r"lacks the output `scores`[\s\S]*detection_outputs.py"),
        ({"image_id": None}, "lacks the output `image_id`"),
    ],
)
def test_outputs_that_cannot_be_scored_are_named(changes, message):
    with pytest.raises(DataError, match=message):
        box_regions(outputs(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"original_size": [0, 4]}, "image 42 has no size"),
        ({"original_size": [4, 4]}, r"image 42, `mask…`: mask 0 is not of the image's size"),
        ({"target_mask_rle": [b"333", b"", b""]}, r"image 42, `target_mask…`: mask 0"),
        ({"mask_rle": [b"0<", b"P"]}, r"image 42, `mask…`: the text of mask 1"),
        ({"mask_rle": [b"0<"]}, "`mask_rle` does not fit `labels`"),
        ({"mask_rle": None}, r"image 42 has no masks[\s\S]*mask_rle \| mask_run_lengths \|"),
        (
            {"mask_rle": None, "mask_run_lengths": [0, 12, 12], "mask_num_runs": [2, -1]},
            "image 42, `mask…`: the lengths of runs",
        ),
    ],
)
def test_masks_that_cannot_be_scored_are_named(changes, message):
    with pytest.raises(DataError, match=message):
        mask_regions(outputs(**changes))


def test_something_else_than_outputs_is_named():
    with pytest.raises(DataError, match="ndarray"):
        box_regions(np.zeros(3))
