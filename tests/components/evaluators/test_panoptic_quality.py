"""Panoptic quality against a plain loop over segments, and by hand."""

import pickle
from collections import Counter
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panoptic_sets import PanopticKind, panoptic_outputs, plain_counts, plain_quality, png_of

from components.errors import DataError
from components.evaluators.coco_categories import PanopticCategories
from components.evaluators.panoptic_matching import panoptic_counts
from components.evaluators.panoptic_outputs import read_panoptic
from components.evaluators.panoptic_quality import PanopticCounts, SegmentCounts

TOLERANCE = 1e-9
PARTS = ("all", "things", "stuff")
PERSON, DOG, FLOOR = 1, 18, 118

KINDS = st.builds(
    PanopticKind,
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    segments=st.sampled_from([1, 4, 12]),
    categories=st.sampled_from([(PERSON,), (PERSON, DOG, FLOOR)]),
    void=st.sampled_from([0.0, 0.2, 0.7]),
    crowds=st.sampled_from([0.0, 0.3, 1.0]),
    kept=st.sampled_from([0.5, 0.9]),
)


def counts_of(images):
    total = PanopticCounts()
    for image in images:
        total.add(panoptic_counts(read_panoptic(image)))
    return total


@settings(max_examples=250, deadline=None)
@given(KINDS, st.lists(st.integers(0, 2**32), max_size=5))
def test_quality_is_that_of_the_plain_loop(kind, seeds):
    images = [panoptic_outputs(kind, seed) for seed in seeds]
    counts, wanted = counts_of(images), plain_counts(images)
    for category in set(wanted) | set(counts.by_category):
        found = counts.by_category[category]
        plain = wanted[category]
        assert (found.matches, found.false_positives, found.false_negatives) == (
            plain["tp"],
            plain["fp"],
            plain["fn"],
        )
    for part in PARTS:
        categories = getattr(PanopticCategories(), part)
        mean = counts.mean(categories)
        values = {"pq": mean.pq, "sq": mean.sq, "rq": mean.rq}
        plain = plain_quality(wanted, categories)
        assert values == pytest.approx(plain, abs=TOLERANCE, rel=0, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(KINDS, st.lists(st.integers(0, 2**32), max_size=8), st.randoms())
def test_the_order_of_images_and_of_merging_does_not_matter(kind, seeds, random):
    images = [panoptic_outputs(kind, seed) for seed in seeds]
    wanted = counts_of(images)
    random.shuffle(images)
    cut = random.randint(0, len(images))
    total = PanopticCounts()
    for part in (counts_of(images[cut:]), PanopticCounts(), counts_of(images[:cut])):
        total.merge(pickle.loads(pickle.dumps(part)))
    assert total == wanted


def image(predicted, target, predicted_categories, target_categories, crowds=(), **changes):
    """Outputs for image 42 from maps, one digit a pixel, and category by id."""
    maps = [
        np.array([[int(pixel) for pixel in row] for row in rows.split()])
        for rows in (predicted, target)
    ]
    return {
        "image_id": 42,
        "original_size": np.array(maps[0].shape),
        "panoptic_png": png_of(maps[0]),
        "segment_ids": list(predicted_categories),
        "segment_categories": list(predicted_categories.values()),
        "target_panoptic_png": png_of(maps[1]),
        "target_segment_ids": list(target_categories),
        "target_segment_categories": list(target_categories.values()),
        "target_segment_is_crowd": [int(one in crowds) for one in target_categories],
        **changes,
    }


def test_the_truth_itself_has_full_quality():
    outputs = image("1122 1122", "1122 1122", {1: PERSON, 2: FLOOR}, {1: PERSON, 2: FLOOR})
    mean = counts_of([outputs]).mean(PanopticCategories().all)
    assert (mean.pq, mean.sq, mean.rq, mean.categories) == (1.0, 1.0, 1.0, 2)


def test_an_overlap_of_one_half_is_no_match():
    outputs = image("1122", "1333", {1: PERSON, 2: FLOOR}, {1: PERSON, 3: FLOOR})
    assert counts_of([outputs]).by_category == {
        PERSON: SegmentCounts(false_positives=1, false_negatives=1),
        FLOOR: SegmentCounts(round(2 / 3 * 2**53), matches=1),
    }


def test_void_is_no_part_of_the_union():
    outputs = image("1111", "1100", {1: PERSON}, {1: PERSON})
    assert counts_of([outputs]).qualities()[PERSON].pq == 1.0


@pytest.mark.parametrize(("target", "wrong"), [("0002", 0), ("0022", 1)])
def test_what_is_mostly_void_is_not_held_against_the_model(target, wrong):
    counts = counts_of([image("1111", target, {1: PERSON}, {2: DOG})])
    assert counts.by_category.get(PERSON, SegmentCounts()).false_positives == wrong
    assert counts.by_category[DOG].false_negatives == 1


@pytest.mark.parametrize(("category", "wrong"), [(PERSON, 0), (DOG, 1)])
def test_what_is_mostly_in_a_crowd_of_its_category_is_not_either(category, wrong):
    outputs = image("1133", "2223", {1: category, 3: FLOOR}, {2: PERSON, 3: FLOOR}, crowds=[2])
    counts = counts_of([outputs])
    assert counts.by_category.get(category, SegmentCounts()).false_positives == wrong
    assert counts.by_category.get(PERSON, SegmentCounts()).false_negatives == 0


def test_of_two_crowds_the_last_one_listed_counts():
    crowds = {2: PERSON, 4: PERSON}
    maps = ("1113", "2243", {1: PERSON, 3: FLOOR})
    first = counts_of([image(*maps, {4: PERSON, 2: PERSON, 3: FLOOR}, crowds)])
    last = counts_of([image(*maps, {2: PERSON, 4: PERSON, 3: FLOOR}, crowds)])
    assert PERSON not in first.by_category
    assert last.by_category[PERSON].false_positives == 1


def test_a_predicted_segment_may_have_the_number_of_void():
    outputs = image("0011", "2233", {0: PERSON, 1: FLOOR}, {2: PERSON, 3: FLOOR})
    assert counts_of([outputs]).mean({PERSON, FLOOR}).pq == 1.0


def test_images_of_void_alone_count_for_nothing():
    empty = image("00", "00", {}, {})
    assert counts_of([empty]).by_category == {}
    assert isnan(counts_of([empty]).mean(PanopticCategories().all).pq)
    missed = counts_of([image("00", "11", {}, {1: PERSON})])
    assert missed.qualities()[PERSON].pq == 0.0
    found = counts_of([image("11", "00", {1: PERSON}, {})])
    assert found.by_category == {}


def test_means_are_over_the_categories_that_occur():
    outputs = image("1122", "1133", {1: PERSON, 2: DOG}, {1: PERSON, 3: FLOOR})
    counts = counts_of([outputs])
    categories = PanopticCategories()
    means = [counts.mean(getattr(categories, part)) for part in PARTS]
    assert [one.pq for one in means] == [1 / 3, 1 / 2, 0.0]
    assert [one.categories for one in means] == [3, 2, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segment_ids": [1, 7]}, r"image 42: the predicted map has a segment that .*[\s\S]*id 2"),
        (
            {"segment_ids": [1, 2, 5], "segment_categories": [PERSON, FLOOR, DOG]},
            r"image 42: the predicted map lacks a segment that is listed[\s\S]*id 5",
        ),
        (
            {"target_segment_ids": [1, 7]},
            r"image 42: the true map has a segment that .*[\s\S]*id 3",
        ),
        (
            {
                "target_segment_ids": [1, 3, 9],
                "target_segment_categories": [PERSON, FLOOR, DOG],
                "target_segment_is_crowd": [0, 0, 0],
            },
            "image 42: the true map lacks a segment that is listed",
        ),
        ({"target_segment_ids": [0, 3]}, "image 42: a true segment has the id of void"),
        (
            {"segment_categories": [PERSON, 12]},
            r"segment 2 has an unknown category[\s\S]*12[\s\S]*133",
        ),
        ({"target_segment_categories": [91, FLOOR]}, "image 42: the true segment 1 has an unknown"),
        ({"segment_ids": [2, 2]}, "image 42 lists a segment twice in `segment_ids`"),
        ({"segment_categories": [PERSON]}, "image 42: .*`segment_categories` does not fit"),
        ({"original_size": [4, 1]}, r"image 42: `panoptic_png` is not of the image's size"),
        ({"panoptic_png": b"no PNG"}, r"image 42: `panoptic_png` cannot be read[\s\S]*6 bytes"),
        ({"panoptic_png": png_of(np.ones((9, 9), int))[:-30]}, "`panoptic_png` cannot be read"),
        ({"target_panoptic_png": None}, "lacks the output `target_panoptic_png`"),
    ],
)
def test_segments_that_cannot_be_counted_are_named(changes, message):
    outputs = image("1122", "1333", {1: PERSON, 2: FLOOR}, {1: PERSON, 3: FLOOR}, **changes)
    outputs = {name: value for name, value in outputs.items() if value is not None}
    with pytest.raises(DataError, match=message):
        counts_of([outputs])


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16"])
def test_a_png_without_three_channels_holds_no_ids(mode):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new(mode, (4, 1)).save(file, "PNG")
    outputs = image("1122", "1122", {1: PERSON, 2: FLOOR}, {1: PERSON, 2: FLOOR})
    with pytest.raises(DataError, match=r"image 42: `panoptic_png` holds no segment ids"):
        counts_of([{**outputs, "panoptic_png": file.getvalue()}])


def test_the_plain_loop_counts_what_is_there():
    # The reference itself must not be empty-handed on what hypothesis draws.
    seen = Counter()
    for seed in range(40):
        for counts in plain_counts([panoptic_outputs(PanopticKind(), seed)]).values():
            seen.update(counts)
    assert min(seen["tp"], seen["fp"], seen["fn"]) > 20
