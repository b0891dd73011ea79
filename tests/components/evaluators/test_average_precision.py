"""Detections against pycocotools: sets that hypothesis describes and numpy draws."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pycocotools")

from detection_sets import NAMES, SetKind, box_set, decoded, mask_set, pycocotools_scores

from components.errors import DataError
from components.evaluators.average_precision import DetectionMatches, detection_scores
from components.evaluators.detection_matching import match_detections
from components.evaluators.image_regions import box_regions, mask_regions

TOLERANCE = 1e-9

KINDS = st.builds(
    SetKind,
    images=st.integers(0, 5),
    categories=st.integers(1, 4),
    most_targets=st.sampled_from([0, 2, 9]),
    most_detections=st.sampled_from([0, 3, 12]),
    score_levels=st.sampled_from([1, 3, 1000]),
    grid=st.sampled_from([0, 10, 40, 100]),
    crowds=st.sampled_from([0.0, 0.2, 0.6, 1.0]),
    near=st.sampled_from([0.0, 0.5, 0.9]),
)


def matches_of(images, regions=box_regions):
    total = DetectionMatches()
    for image in images:
        total.add(match_detections(regions(image)))
    return total


def summary_of(images, regions=box_regions):
    return detection_scores(matches_of(images, regions)).summary()


def same(found, wanted):
    assert tuple(found) == NAMES
    assert found == pytest.approx(wanted, abs=TOLERANCE, rel=0, nan_ok=True)


@settings(max_examples=300, deadline=None)
@given(KINDS, st.integers(0, 2**32))
def test_boxes_score_as_by_pycocotools(kind, seed):
    images = box_set(kind, seed)
    same(summary_of(images), pycocotools_scores(images))


@settings(max_examples=150, deadline=None)
@given(KINDS, st.integers(0, 2**32))
def test_masks_score_as_by_pycocotools(kind, seed):
    images = mask_set(kind, seed)
    same(summary_of(images, mask_regions), pycocotools_scores(images))


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([1, 2]), st.sampled_from([1, 5, 1000]), st.integers(0, 2**32))
def test_no_more_than_a_hundred_detections_count(categories, score_levels, seed):
    kind = SetKind(2, categories, 9, 400, score_levels, grid=20, near=0.9)
    images = box_set(kind, seed)
    for image in images:
        assert np.max(match_detections(box_regions(image)).detections["rank"], initial=0) < 100
    same(summary_of(images), pycocotools_scores(images))


@settings(max_examples=40, deadline=None)
@given(KINDS, st.integers(0, 2**32), st.randoms())
def test_the_order_of_images_and_of_merging_does_not_matter(kind, seed, random):
    images = box_set(kind, seed)
    wanted = detection_scores(matches_of(images))
    random.shuffle(images)
    cut = random.randint(0, len(images))
    parts = [matches_of(images[:cut]), DetectionMatches(), matches_of(images[cut:])]
    random.shuffle(parts)
    total = DetectionMatches()
    for part in parts:
        part.settle()
        total.merge(pickle.loads(pickle.dumps(part)))
    found = detection_scores(total)
    for name in ("categories", "num_targets", "precision", "recall"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name), equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(KINDS, st.integers(0, 2**32))
def test_scores_of_a_category_are_those_of_its_regions_alone(kind, seed):
    images = box_set(kind, seed)
    scores = detection_scores(matches_of(images))
    for category in scores.categories.tolist():
        alone = [dict(image) for image in images]
        for image in alone:
            for prefix in ("", "target_"):
                kept = image[f"{prefix}labels"] == category
                names = [name for name in image if name.startswith(prefix or ("scores", "l", "b"))]
                for name in names:
                    image[name] = image[name][kept]
        same(scores.only({category}).summary(), pycocotools_scores(alone))


def test_uncompressed_run_lengths_are_the_same_masks():
    [image] = mask_set(SetKind(1, 3, 8, 12, 8, 20, 0.3, 0.8), seed=3)
    assert min(len(image["labels"]), len(image["target_labels"])) > 2
    wanted = match_detections(mask_regions(image))
    lengths = dict(image)
    for prefix in ("", "target_"):
        each = [_lengths(mask) for mask in decoded(image, prefix)]
        padding = np.full(3, -1)
        lengths[f"{prefix}mask_run_lengths"] = np.array([*itertools.chain(*each), 7, 7])
        lengths[f"{prefix}mask_num_runs"] = np.array([len(one) for one in each] + [0, 0, 0])
        lengths[f"{prefix}labels"] = np.concatenate([image[f"{prefix}labels"], padding])
        del lengths[f"{prefix}mask_rle"]
    for name in ("scores", "target_area", "target_is_crowd"):
        lengths[name] = np.concatenate([image[name], [np.nan] * 3])
    found = match_detections(mask_regions(lengths))
    assert np.array_equal(found.detections, wanted.detections)
    assert np.array_equal(found.targets, wanted.targets)


def _lengths(mask):
    flat = np.concatenate([[False], mask.T.ravel()])
    changes = np.flatnonzero(np.diff(flat))
    return np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()


def test_an_evaluation_of_nothing_has_no_numbers():
    scores = detection_scores(DetectionMatches())
    assert all(np.isnan(value) for value in scores.summary().values())
    assert np.isnan(scores.mean_precision()).all()
    assert scores.mean_precision().shape == (10, 101)


def test_targets_that_nothing_finds_score_zero():
    images = box_set(SetKind(3, 2, 6, 0, crowds=0.0), seed=1)
    summary = summary_of(images)
    assert summary["ap"] == summary["ar_100"] == 0.0


def test_detections_of_categories_without_targets_change_nothing():
    images = box_set(SetKind(4, 3, 6, 12), seed=5)
    before = summary_of(images)
    for image in images:
        image["scores"] = np.append(image["scores"], 1.0)
        # DETR's first class stands for nothing, and some of its ids are of no category.
        image["labels"] = np.append(image["labels"], image["image_id"] % 2 * 12)
        image["boxes_xyxy"] = np.concatenate([image["boxes_xyxy"], [[0.0, 0, 50, 50]]])
    assert summary_of(images) == before


def test_an_image_that_comes_twice_is_named():
    images = box_set(SetKind(2), seed=0)
    number = images[1]["image_id"]
    with pytest.raises(DataError, match=f"image {number} was evaluated more than once"):
        summary_of([*images, images[1]])


def test_what_travels_is_small():
    images = box_set(SetKind(40, 3, 9, 100, grid=0), seed=2)
    total = matches_of(images)
    total.settle()
    detections = sum(len(image["labels"]) for image in images)
    assert len(pickle.dumps(total)) < 40 * detections
