"""Sizes, boxes and masks under every step, against the authors' numbers and each other."""

import json

import numpy as np
import pytest
import tensorflow as tf
from boxed_scenes import boxed_scenes, masks_of
from hypothesis import given, settings
from hypothesis import strategies as st

from components.example_gens import coco_sizes
from components.transforms import detr_geometry
from components.transforms.detr_geometry import Targets

# Sides of pictures, and of the resizes; tf.function would only make these small sums slower.
SIDES = st.integers(1, 3000)


def targets_of(boxes, labels=None) -> Targets:
    boxes = np.reshape(np.float32(boxes), [-1, 4])
    count = len(boxes)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    labels = range(1, count + 1) if labels is None else labels
    return Targets(
        tf.constant(boxes),
        tf.constant(list(labels), tf.int64, [count]),
        tf.constant(area),
        tf.zeros([count], tf.int64),
        tf.range(count),
    )


def seen(masks, index, lookup):
    """The masks of the kept objects in a view."""
    return masks[index.numpy()][:, lookup.rows.numpy()][:, :, lookup.columns.numpy()]


def extents(masks):
    """x1, y1, x2, y2 of each mask; None where it is empty."""
    found = []
    for mask in masks:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        found.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else None)
    return found


@settings(max_examples=400, deadline=None)
@given(height=SIDES, width=SIDES, size=st.integers(1, 900), limit=st.integers(1, 1400) | st.none())
def test_size_in_the_graph_is_that_of_the_authors_python(height, width, size, limit):
    found = detr_geometry.resized_size(tf.constant([height, width]), size, limit).numpy()
    assert tuple(found) == coco_sizes.resized_size(height, width, size, limit)


@pytest.mark.parametrize(
    ("height", "width", "size", "limit", "expected"),
    [
        (480, 640, 800, 1333, (800, 1066)),
        (640, 480, 800, 1333, (1066, 800)),
        (427, 640, 800, 1333, (800, 1199)),
        # 1333 / 2 = 666.5 is rounded to even.
        (320, 640, 800, 1333, (666, 1332)),
        # 1333 / 5 = 266.6: rounded up, so that the longer side passes the limit.
        (100, 500, 800, 1333, (267, 1335)),
        (800, 1066, 800, 1333, (800, 1066)),
        (500, 500, 800, 1333, (800, 800)),
        (1, 3000, 800, 1333, (0, 0)),
    ],
)
def test_rounding_of_the_official_sizes(height, width, size, limit, expected):
    assert coco_sizes.resized_size(height, width, size, limit) == expected


@settings(max_examples=300, deadline=None)
@given(height=SIDES, width=SIDES, size=st.integers(1, 900), limit=st.integers(2, 1400))
def test_longer_side_passes_the_limit_by_half_the_ratio_at_most(height, width, size, limit):
    found = coco_sizes.resized_size(height, width, size, limit)
    ratio = max(height, width) / min(height, width)
    assert max(found) <= limit + ratio / 2
    assert min(found) <= size


@settings(max_examples=300, deadline=None)
@given(
    least=st.integers(1, 400),
    spread=st.integers(0, 400),
    size=st.integers(1, 900),
    limit=st.integers(2, 1400),
    places=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_crops_stay_below_the_bound(least, spread, size, limit, places):
    height, width = (least + int(place * spread) for place in places)
    bound = coco_sizes.largest_crop_view(least, least + spread, size, limit)
    assert max(coco_sizes.resized_size(height, width, size, limit)) <= bound


@pytest.fixture(scope="module")
def reference(shared_dir):
    return json.loads((shared_dir / "parity" / "detr.json").read_text())["transforms"]


def base(reference):
    recorded = reference["base"]
    return Targets(
        tf.constant(recorded["boxes"], tf.float32),
        tf.constant(recorded["labels"], tf.int64),
        tf.constant(recorded["area"], tf.float32),
        tf.cast(recorded["iscrowd"], tf.int64),
        tf.range(len(recorded["labels"])),
    ), tf.constant(recorded["size"])


def assert_equal(targets, size, recorded):
    """Boxes to the bit; areas, which their code multiplies in another order, to 1e-6."""
    np.testing.assert_array_equal(targets.boxes, np.float32(recorded["boxes"]))
    np.testing.assert_array_equal(targets.labels, recorded["labels"])
    np.testing.assert_array_equal(targets.is_crowd, recorded["iscrowd"])
    np.testing.assert_allclose(targets.area, recorded["area"], rtol=1e-6)
    assert list(size) == recorded["size"]


def lengths(lookup):
    return [len(lookup.rows), len(lookup.columns)]


@pytest.mark.parity
def test_mirrored_targets_are_the_authors(reference):
    targets, size = base(reference)
    found, lookup = detr_geometry.flip(targets, detr_geometry.whole_picture(size), size)
    assert_equal(found, lengths(lookup), reference["hflip"])


@pytest.mark.parity
def test_cropped_targets_are_the_authors(reference):
    targets, size = base(reference)
    (name,) = [name for name in reference if name.startswith("crop")]
    assert name == "crop(top8,left12,h40,w60)"
    found, lookup = detr_geometry.crop(
        targets, detr_geometry.whole_picture(size), tf.constant([8, 12]), tf.constant([40, 60])
    )
    assert_equal(found, lengths(lookup), reference[name])
    assert found.index.numpy().tolist() == [0, 1, 3]


@pytest.mark.parity
@pytest.mark.parametrize(("shorter", "limit"), [(48, None), (100, 120), (75, 1333)])
def test_resized_targets_are_the_authors(reference, shorter, limit):
    targets, size = base(reference)
    (recorded,) = [
        v for k, v in reference.items() if k.startswith(f"resize({shorter},max={limit})")
    ]
    new_size = detr_geometry.resized_size(size, shorter, limit)
    found, lookup = detr_geometry.resize(targets, detr_geometry.whole_picture(size), size, new_size)
    assert_equal(found, lengths(lookup), recorded)


@pytest.mark.parity
def test_relative_boxes_are_the_authors(reference):
    targets, size = base(reference)
    found = detr_geometry.to_relative_cxcywh(targets.boxes, size)
    np.testing.assert_array_equal(found, np.float32(reference["normalize"]["boxes"]))


@settings(max_examples=60, deadline=None)
@given(picture=boxed_scenes(2, 120))
def test_mirroring_twice_changes_nothing_and_once_moves_box_and_mask_alike(picture):
    height, width, boxes = picture
    size = tf.constant([height, width])
    targets, lookup = targets_of(boxes), detr_geometry.whole_picture(size)
    once = detr_geometry.flip(targets, lookup, size)
    masks = seen(masks_of(boxes, height, width), once[0].index, once[1])
    assert extents(masks) == [tuple(box) for box in once[0].boxes.numpy().astype(int)]
    again = detr_geometry.flip(*once, size)
    for found, expected in zip((*again[0], *again[1]), (*targets, *lookup), strict=True):
        np.testing.assert_array_equal(found, expected)


@settings(max_examples=80, deadline=None)
@given(
    picture=boxed_scenes(2, 120),
    place=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_cropped_box_is_the_extent_of_its_cropped_mask(picture, place):
    height, width, boxes = picture
    start = int(place[0] * (height - 1)), int(place[1] * (width - 1))
    part = (
        1 + int(place[2] * (height - 1 - start[0])),
        1 + int(place[3] * (width - 1 - start[1])),
    )
    size = tf.constant([height, width])
    found, lookup = detr_geometry.crop(
        targets_of(boxes), detr_geometry.whole_picture(size), tf.constant(start), tf.constant(part)
    )
    masks = masks_of(boxes, height, width)
    assert extents(seen(masks, found.index, lookup)) == [
        tuple(box) for box in found.boxes.numpy().astype(int)
    ]
    # Those that went have no pixel in the part, and labels stay with their boxes.
    cut = masks[:, start[0] : start[0] + part[0], start[1] : start[1] + part[1]]
    assert found.index.numpy().tolist() == np.flatnonzero(cut.any((1, 2))).tolist()
    np.testing.assert_array_equal(found.labels, found.index + 1)


@settings(max_examples=80, deadline=None)
@given(picture=boxed_scenes(2, 120), new_size=st.tuples(st.integers(1, 200), st.integers(1, 200)))
def test_resized_box_is_the_extent_of_its_resized_mask_within_a_pixel(picture, new_size):
    """The nearest neighbour shows a row or not: an edge is off by less than a pixel."""
    height, width, boxes = picture
    size = tf.constant([height, width])
    found, lookup = detr_geometry.resize(
        targets_of(boxes), detr_geometry.whole_picture(size), size, tf.constant(new_size)
    )
    assert lengths(lookup) == list(new_size)
    masks = extents(seen(masks_of(boxes, height, width), found.index, lookup))
    for extent, box in zip(masks, found.boxes.numpy(), strict=True):
        if extent is None:
            # Thinner than a pixel.
            assert min(box[2] - box[0], box[3] - box[1]) < 1.0
        else:
            assert np.abs(np.float32(extent) - box).max() < 1.0 + 1e-4


@settings(max_examples=40, deadline=None)
@given(length=st.integers(1, 2000), new_length=st.integers(1, 2000))
def test_nearest_pixel_is_pytorchs(length, new_length):
    """`floor(i * scale)` with the scale in float32."""
    scale = np.float32(length) / np.float32(new_length)
    shown = np.floor(np.arange(new_length, dtype=np.float32) * scale).astype(int)
    found = detr_geometry._nearest(tf.constant(length), tf.constant(new_length))
    np.testing.assert_array_equal(found, np.minimum(shown, length - 1))
