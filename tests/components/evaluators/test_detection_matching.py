import numpy as np
import pytest

from components.evaluators.detection_matching import (
    AREA_RANGES,
    IOU_THRESHOLDS,
    ImageRegions,
    match_detections,
)
from components.evaluators.detection_outputs import DetectedRegions, TargetRegions

BIG = 100.0 * 100.0


def matched(scores, overlaps, *, crowd=(), target_areas=None, areas=None, labels=None):
    """Right and wrong of each detection, bool `[detections, ranges, thresholds]`, best first."""
    overlaps = np.array(overlaps, float)
    count, num_targets = overlaps.shape
    image = ImageRegions(
        1,
        DetectedRegions(np.array(scores, float), np.array(labels or [1] * count)),
        np.full(count, BIG) if areas is None else np.array(areas, float),
        TargetRegions(
            np.ones(num_targets, np.int64),
            np.full(num_targets, BIG) if target_areas is None else np.array(target_areas, float),
            np.isin(np.arange(num_targets), crowd),
        ),
        overlaps,
    )
    found = match_detections(image)
    cases = (len(AREA_RANGES), len(IOU_THRESHOLDS))
    right, wrong = (
        np.unpackbits(found.detections[name], axis=1).reshape(-1, *cases).astype(bool)
        for name in ("right", "wrong")
    )
    return right, wrong, found


def thresholds_of(cases):
    """The thresholds, in hundredths, at which something holds on targets of any size."""
    return [round(100 * one) for one, holds in zip(IOU_THRESHOLDS, cases[0], strict=True) if holds]


def test_the_better_scored_takes_the_target_first():
    right, wrong, _ = matched([0.2, 0.9], [[0.95], [0.72]])
    assert thresholds_of(right[0]) == [50, 55, 60, 65, 70]
    assert thresholds_of(right[1]) == [75, 80, 85, 90, 95]
    assert thresholds_of(wrong[1]) == [50, 55, 60, 65, 70]


def test_an_overlap_of_exactly_the_threshold_counts():
    right, _, _ = matched([0.5], [[IOU_THRESHOLDS[5]]])
    assert thresholds_of(right[0]) == [50, 55, 60, 65, 70, 75]
    right, wrong, _ = matched([0.5], [[np.nextafter(0.5, 0)]])
    assert thresholds_of(right[0]) == []
    assert len(thresholds_of(wrong[0])) == 10


def test_a_crowd_is_found_many_times_and_by_those_that_find_nothing_else():
    right, wrong, found = matched([0.9, 0.8, 0.7], [[1, 0.6], [1, 0], [1, 0]], crowd=[0])
    assert thresholds_of(right[0]) == [50, 55, 60]
    # Where it is not near enough to the target, the crowd excuses it; the others always.
    assert not wrong.any()
    assert not right[1:].any()
    assert found.targets["targets"][0].tolist() == [1, 0, 0, 1]


def test_a_target_of_another_size_is_neither_right_nor_wrong():
    right, wrong, found = matched([0.9], [[0.8]], target_areas=[1024.0], areas=[BIG])
    counts = found.targets["targets"][0].tolist()
    # 32 x 32 pixels are both small and medium.
    assert dict(zip(AREA_RANGES, counts, strict=True)) == {
        "all": 1,
        "small": 1,
        "medium": 1,
        "large": 0,
    }
    assert right[0, :3, 0].all()
    assert not right[0, 3].any()
    assert not wrong[0, 3, 0]
    # At 0.85 it finds nothing, and its own area is a large one.
    assert wrong[0, :, 7].tolist() == [True, False, False, True]


def test_of_equal_overlaps_the_later_target_is_taken():
    right, _, _ = matched([0.9, 0.8], [[0.7, 0.7], [0.9, 0.0]])
    assert thresholds_of(right[1]) == [50, 55, 60, 65, 70, 75, 80, 85, 90]
    right, _, _ = matched([0.9, 0.8], [[0.7, 0.7], [0.0, 0.9]])
    assert thresholds_of(right[1]) == [75, 80, 85, 90]


def test_overlaps_that_differ_in_the_last_bit_are_told_apart():
    larger = np.nextafter(0.7, 1)
    right, _, _ = matched([0.9, 0.8], [[larger, 0.7], [0.9, 0.0]])
    assert thresholds_of(right[1]) == [75, 80, 85, 90]


def test_another_category_takes_nothing():
    right, wrong, found = matched([0.9, 0.8], [[0.9], [0.9]], labels=[7, 1])
    assert found.detections["category"].tolist() == [1, 7]
    assert found.targets["category"].tolist() == [1]
    assert right[0].any()
    assert not right[1].any()
    assert len(thresholds_of(wrong[1])) == 10


@pytest.mark.parametrize(("count", "num_targets"), [(0, 0), (0, 2), (3, 0)])
def test_images_without_detections_or_targets_are_counted(count, num_targets):
    _, wrong, found = matched([0.5] * count, np.zeros((count, num_targets)))
    assert len(found.detections) == count
    assert found.targets["targets"][:, 0].tolist() == [num_targets][:num_targets]
    assert wrong[:, 0].all()
