"""DETR's preprocessing_fn against Pillow and numpy, and what its random choices depend on."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from boxed_scenes import boxed_scenes, masks_of
from graph_ops import executed_ops
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from components.errors import ConfigError
from components.example_gens import coco_features as keys
from components.example_gens.coco_config import CocoDataConfig
from components.example_gens.coco_sizes import resized_size
from components.example_gens.coco_source import CocoSource
from components.example_gens.record_source import AUGMENT_SEED, augment_seed
from components.transforms import augmentation_seeds, detr, detr_masks, detr_views
from components.transforms import detr_features as names
from components.transforms.detr_geometry import Targets

SMALL = {
    "subset": True,
    "max_objects": 6,
    "canvas_size": 72,
    "eval_size": 48,
    "max_size": 64,
    "train_sizes": (32, 40, 56),
    "crop_resize_sizes": (36, 44),
    "crop_min": 28,
    "crop_max": 40,
}
PANOPTIC = {**SMALL, "dataset": "coco_panoptic", "task": "panoptic"}
INSTANCES = {**SMALL, "dataset": "coco_instances", "task": "panoptic"}
CONFIG = CocoDataConfig(**SMALL)


def noise(height, width, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def png(levels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def resized(picture, masks, boxes, size):
    """A picture, its masks and boxes, as Pillow and numpy resize them."""
    old, new = (picture.height, picture.width), size
    shown = [
        np.minimum(
            np.floor(np.arange(n, dtype=np.float32) * (np.float32(o) / np.float32(n))), o - 1
        )
        for o, n in zip(old, new, strict=True)
    ]
    rows, columns = (one.astype(int) for one in shown)
    ratio = np.float32([new[1] / old[1], new[0] / old[0]])
    return (
        picture.resize((new[1], new[0]), Image.Resampling.BILINEAR),
        masks[:, rows][:, :, columns],
        boxes * np.tile(ratio, 2),
    )


def reference(levels, masks, boxes, seed, config):
    """The authors' steps, with the numbers that the seed gives: (picture, masks, boxes, kept)."""
    own = augmentation_seeds.fold_in(seed, detr_views.PURPOSE)
    drawn = augmentation_seeds.uniform(own, [detr_views.DRAWS]).numpy()

    def between(number, low, high):
        return low + min(int(number * np.float32(high - low + 1)), high - low)

    def size_of(number, sizes, limit):
        return resized_size(
            picture.height, picture.width, sizes[between(number, 0, len(sizes) - 1)], limit
        )

    picture, kept = Image.fromarray(levels), np.arange(len(boxes))
    boxes = np.float32(boxes)
    if drawn[0] < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        masks = masks[:, :, ::-1]
        boxes = boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + np.float32([picture.width, 0] * 2)
        boxes = boxes.astype(np.float32)
    if drawn[1] >= 0.5:
        size = size_of(drawn[3], config.crop_resize_sizes, None)
        picture, masks, boxes = resized(picture, masks, boxes, size)
        width = between(drawn[4], config.crop_min, min(picture.width, config.crop_max))
        height = between(drawn[5], config.crop_min, min(picture.height, config.crop_max))
        top = between(drawn[6], 0, picture.height - height)
        left = between(drawn[7], 0, picture.width - width)
        picture = picture.crop((left, top, left + width, top + height))
        masks = masks[:, top : top + height, left : left + width]
        boxes = np.clip(boxes - np.float32([left, top] * 2), 0, np.float32([width, height] * 2))
        inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        boxes, masks, kept = boxes[inside], masks[inside], kept[inside]
    size = size_of(drawn[2], config.train_sizes, config.max_size)
    return (*resized(picture, masks, boxes, size), kept)


@functools.cache
def training_view():
    """A view of a picture and of masks, in the graph."""

    def view(levels, boxes, masks, seed):
        count = tf.shape(boxes)[0]
        targets = Targets(
            boxes,
            tf.range(1, tf.cast(count, tf.int64) + 1),
            boxes[:, 0],
            tf.zeros([count], tf.int64),
            tf.range(count),
        )
        found = detr_views.training_view(levels, targets, seed, CONFIG)
        seen = tf.gather(tf.gather(masks, found.lookup.rows, axis=1), found.lookup.columns, axis=2)
        return found.picture, tf.gather(seen, found.targets.index), found.targets

    return tf.function(
        view,
        input_signature=[
            tf.TensorSpec([None, None, 3], tf.uint8),
            tf.TensorSpec([None, 4], tf.float32),
            tf.TensorSpec([None, None, None], tf.uint8),
            tf.TensorSpec([2], tf.int64),
        ],
    )


@functools.cache
def graph_of(task):
    """`preprocessing_fn` as a graph, in which Transform runs it; `wrap_function` can be pruned."""
    settings_ = {"instances": INSTANCES, "panoptic": PANOPTIC}[task]
    features = batch(task)
    listed = sorted(features)

    def transform(*given):
        return detr.preprocessing_fn(dict(zip(listed, given, strict=True)), settings_)

    signature = [
        tf.RaggedTensorSpec([None, None], features[name].dtype, ragged_rank=1)
        if isinstance(features[name], tf.RaggedTensor)
        else tf.TensorSpec([None, *features[name].shape[1:]], features[name].dtype)
        for name in listed
    ]
    return tf.function(transform, input_signature=signature), listed


@pytest.fixture(scope="module", autouse=True)
def drop_graphs():
    """TensorFlow complains about functions that outlive it."""
    yield
    training_view.cache_clear()
    graph_of.cache_clear()


SEGMENT_IDS = [[7, 300, 70_000], [5, 6], []]
SIZES = [(40, 60), (50, 33), (37, 37)]


def record(number):
    """A picture with boxes of whole pixels: objects that overlap, segments that do not."""
    height, width = SIZES[number]
    ids = SEGMENT_IDS[number]
    boxes = [(4 + 3 * k, 5, 6 + 2 * k, 20) for k in range(len(ids))]
    segment_boxes = [(10 * k, 2 + k, 9, 25 - k) for k in range(len(ids))]
    numbers = np.zeros((height, width), int)
    for one, (x, y, w, h) in zip(ids, segment_boxes, strict=True):
        numbers[y : y + h, x : x + w] = one
    colours = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=-1)
    masks = np.zeros((len(ids), height, width), np.uint8)
    for mask, (x, y, w, h) in zip(masks, boxes, strict=True):
        mask[y : y + h, x : x + w] = 1
    crowds = [int(k == 1) for k in range(len(ids))]
    return {
        keys.IMAGE_ENCODED: png(noise(height, width, number)),
        keys.IMAGE_NUMBER: 1000 + number,
        AUGMENT_SEED: augment_seed(str(number)),
        keys.OBJECT_BOX_XYWH: np.float32(boxes).ravel(),
        keys.OBJECT_CATEGORY: [10 * (k + 1) for k in range(len(ids))],
        keys.OBJECT_AREA: np.float32([w * h for *_, w, h in boxes]),
        keys.OBJECT_IS_CROWD: crowds,
        keys.OBJECT_MASK_RLE: [coco_mask.encode(np.asfortranarray(m))["counts"] for m in masks],
        keys.PANOPTIC_ENCODED: png(colours.astype(np.uint8)),
        keys.SEGMENT_ID: ids,
        keys.SEGMENT_BOX_XYWH: np.float32(segment_boxes).ravel(),
        keys.SEGMENT_AREA: np.float32([w * h for *_, w, h in segment_boxes]),
        keys.SEGMENT_CATEGORY: [3, 184, 193][: len(ids)],
        keys.SEGMENT_IS_CROWD: crowds,
    }


VARYING = {
    keys.OBJECT_BOX_XYWH: tf.float32,
    keys.OBJECT_AREA: tf.float32,
    keys.OBJECT_MASK_RLE: tf.string,
    keys.OBJECT_CATEGORY: tf.int64,
    keys.OBJECT_IS_CROWD: tf.int64,
    keys.SEGMENT_BOX_XYWH: tf.float32,
    keys.SEGMENT_AREA: tf.float32,
    keys.SEGMENT_ID: tf.int64,
    keys.SEGMENT_CATEGORY: tf.int64,
    keys.SEGMENT_IS_CROWD: tf.int64,
}


def batch(task, epoch=None, numbers=range(3)):
    records = [record(number) for number in numbers]
    features = {}
    for name in records[0]:
        values = [one[name] for one in records]
        if name in VARYING:
            flat = [item for value in values for item in list(value)]
            features[name] = tf.RaggedTensor.from_row_lengths(
                tf.constant(flat, VARYING[name]), [len(value) for value in values]
            )
        elif name == AUGMENT_SEED:
            seeds = tf.constant(values, tf.int64)
            features[name] = (
                seeds if epoch is None else augmentation_seeds.epoch_seed(seeds, 0, epoch)
            )
        else:
            kind = tf.int64 if isinstance(values[0], int) else tf.string
            features[name] = tf.constant([[value] for value in values], kind)
    if task == "instances":
        features = {k: v for k, v in features.items() if "segment" not in k and "panoptic" not in k}
    return features


def transform(task, features):
    graph, listed = graph_of(task)
    return {name: value.numpy() for name, value in graph(*(features[k] for k in listed)).items()}


@st.composite
def pictures(draw):
    """Levels, boxes of whole pixels, and their masks."""
    height, width, boxes = draw(boxed_scenes(8, 90))
    levels = noise(height, width, draw(st.integers(0, 9)))
    return levels, np.float32(boxes).reshape(-1, 4), masks_of(boxes, height, width)


@settings(max_examples=60, deadline=None)
@given(one=pictures(), number=st.integers(0, 2**40))
def test_training_view_is_the_authors_steps_to_the_bit(one, number):
    levels, boxes, masks = one
    seed = tf.constant(augment_seed(str(number)), tf.int64)
    picture, seen, targets = training_view()(levels, boxes, masks, seed)
    expected, wanted_masks, wanted_boxes, kept = reference(levels, masks, boxes, seed, CONFIG)
    np.testing.assert_array_equal(picture, np.asarray(expected))
    np.testing.assert_array_equal(seen, wanted_masks)
    # Their numbers pass through float64 in places, ours through float32.
    np.testing.assert_allclose(targets.boxes, wanted_boxes, rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(targets.labels, kept + 1)


@settings(max_examples=60, deadline=None)
@given(one=pictures(), number=st.integers(0, 2**40))
def test_box_is_the_extent_of_its_mask_in_every_view(one, number):
    """Within two pixels of the view, or three where it shows a pixel several times.

    A mask is looked up with the nearest neighbour up to twice, and the last time each pixel may be
    stretched to as many as the view is larger than the part it shows.
    """
    levels, boxes, masks = one
    seed = tf.constant(augment_seed(str(number)), tf.int64)
    picture, seen, targets = training_view()(levels, boxes, masks, seed)
    height, width = picture.shape[:2]
    found = targets.boxes.numpy()
    assert (found[:, :2] >= 0).all()
    assert (found[:, 2:] <= np.float32([width, height]) + 1e-3).all()
    tolerance = 1.0 + max(height, width) / CONFIG.crop_min + 1e-3
    for mask, box in zip(seen.numpy(), found, strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            assert min(box[2] - box[0], box[3] - box[1]) < tolerance
            continue
        extent = np.float32([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        assert np.abs(extent - box).max() <= tolerance


@settings(max_examples=40, deadline=None)
@given(one=pictures(), number=st.integers(0, 2**40))
def test_views_follow_the_rule_of_sizes_and_fit_the_canvas(one, number):
    levels, boxes, masks = one
    seed = tf.constant(augment_seed(str(number)), tf.int64)
    if not CONFIG.fits(*levels.shape[:2]):
        return
    picture, *_ = training_view()(levels, boxes, masks, seed)
    assert max(picture.shape) <= CONFIG.canvas_size
    assert min(picture.shape[:2]) in CONFIG.train_sizes or (
        abs(max(picture.shape) - CONFIG.max_size)
        <= max(levels.shape) / min(levels.shape[:2]) / 2 + 1
    )


@pytest.mark.parametrize("task", ["instances", "panoptic"])
def test_outputs_are_those_that_are_promised(task):
    outputs = transform(task, batch(task))
    side, count = 72, 6
    shapes = {
        names.IMAGE: ((side, side, 3), np.float32),
        names.IMAGE_SIZE: ((2,), np.int64),
        names.BOXES: ((count, 4), np.float32),
        names.LABELS: ((count,), np.int64),
        names.NUM_OBJECTS: ((), np.int64),
        names.MASKS: ((), object),
    }
    shapes |= {names.AUGMENTED + name: shape for name, shape in shapes.items()}
    shapes |= {
        names.ORIGINAL_SIZE: ((2,), np.int64),
        names.IMAGE_ID: ((), np.int64),
        names.TARGET_LABELS: ((count,), np.int64),
        names.TARGET_BOXES_XYXY: ((count, 4), np.float32),
        names.TARGET_AREA: ((count,), np.float32),
        names.TARGET_IS_CROWD: ((count,), np.int64),
        names.TARGET_MASK_RLE: ((count,), object),
    }
    if task == "panoptic":
        shapes |= {
            names.TARGET_PANOPTIC_PNG: ((), object),
            names.TARGET_SEGMENT_IDS: ((count,), np.int64),
            names.TARGET_SEGMENT_CATEGORIES: ((count,), np.int64),
            names.TARGET_SEGMENT_IS_CROWD: ((count,), np.int64),
        }
    assert {
        k: (v.shape[1:], v.dtype.type if v.dtype != object else object) for k, v in outputs.items()
    } == shapes
    np.testing.assert_array_equal(outputs[names.IMAGE_ID], [1000, 1001, 1002])
    np.testing.assert_array_equal(outputs[names.ORIGINAL_SIZE], SIZES)


def test_evaluation_picture_is_pillows_normalised_and_zero_beyond():
    outputs = transform("instances", batch("instances"))
    for index, (height, width) in enumerate(SIZES):
        size = resized_size(height, width, 48, 64)
        assert outputs[names.IMAGE_SIZE][index].tolist() == list(size)
        picture = Image.fromarray(noise(height, width, index))
        levels = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR), np.float32)
        mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
        wanted = (levels / np.float32(255) - mean) / deviation
        canvas = outputs[names.IMAGE][index]
        np.testing.assert_array_equal(canvas[: size[0], : size[1]], wanted)
        assert np.count_nonzero(canvas) == np.count_nonzero(wanted)


def test_objects_lose_crowds_and_segments_keep_them():
    objects = transform("instances", batch("instances"))
    assert objects[names.NUM_OBJECTS].tolist() == [2, 1, 0]
    assert objects[names.LABELS][0].tolist() == [10, 30, 0, 0, 0, 0]
    assert objects[names.TARGET_LABELS][0].tolist() == [10, 20, 30, -1, -1, -1]
    assert objects[names.TARGET_IS_CROWD][0].tolist() == [0, 1, 0, 0, 0, 0]
    # x, y, w, h = 4, 5, 6, 20 of 40 x 60 pixels.
    np.testing.assert_allclose(
        objects[names.BOXES][0, 0], np.float32([7 / 60, 15 / 40, 6 / 60, 20 / 40]), rtol=1e-6
    )
    np.testing.assert_array_equal(objects[names.TARGET_BOXES_XYXY][0, 0], [4, 5, 10, 25])
    segments = transform("panoptic", batch("panoptic"))
    assert segments[names.NUM_OBJECTS].tolist() == [3, 2, 0]
    # 0, 2, 9, 25: the last pixels are 8 and 26.
    np.testing.assert_allclose(
        segments[names.BOXES][0, 0], np.float32([4 / 60, 14 / 40, 8 / 60, 24 / 40]), rtol=1e-6
    )
    assert segments[names.TARGET_SEGMENT_IDS][1].tolist() == [5, 6, -1, -1, -1, -1]
    # What detection is scored against are the objects, here too.
    np.testing.assert_array_equal(segments[names.TARGET_LABELS], objects[names.TARGET_LABELS])


@pytest.mark.parametrize("task", ["instances", "panoptic"])
@pytest.mark.parametrize("prefix", ["", names.AUGMENTED])
def test_masks_lie_where_their_boxes_are(task, prefix):
    """Relative to the size of the view, and within a few of its pixels."""
    outputs = transform(task, batch(task, epoch=5))
    masks = detr_masks.unpack_masks(outputs[prefix + names.MASKS], 6, (72, 72)).numpy()
    for index, count in enumerate(outputs[prefix + names.NUM_OBJECTS]):
        height, width = outputs[prefix + names.IMAGE_SIZE][index]
        assert not masks[index, count:].any()
        assert not masks[index, :, height:].any()
        assert not masks[index, :, :, width:].any()
        for mask, box in zip(
            masks[index], outputs[prefix + names.BOXES][index][:count], strict=False
        ):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            x, y, w, h = box * np.float32([width, height] * 2)
            assert abs(columns[0] - (x - w / 2)) < 4
            assert abs(columns[-1] + 1 - (x + w / 2)) < 4
            assert abs(rows[0] - (y - h / 2)) < 4
            assert abs(rows[-1] + 1 - (y + h / 2)) < 4


def test_batch_size_does_not_change_the_outputs():
    whole = transform("panoptic", batch("panoptic", epoch=3))
    parts = [transform("panoptic", batch("panoptic", 3, [number])) for number in range(3)]
    for name, value in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), value)


def test_another_epoch_augments_otherwise_and_evaluates_the_same():
    one, again, other = (transform("instances", batch("instances", epoch=e)) for e in (1, 1, 2))
    for name, value in one.items():
        np.testing.assert_array_equal(value, again[name])
        if not name.startswith(names.AUGMENTED):
            np.testing.assert_array_equal(value, other[name])
    assert not np.array_equal(one["augmented/image"], other["augmented/image"])


def test_serving_needs_the_encoded_picture_alone_and_no_random_operation():
    ragged = batch("panoptic")
    # As Transform hands them over.
    features = {name: v.to_sparse() if name in VARYING else v for name, v in ragged.items()}
    listed = sorted(features)
    flat = {name: tf.nest.flatten(features[name], expand_composites=True) for name in listed}
    whole = tf.compat.v1.wrap_function(
        lambda *given: detr.preprocessing_fn(
            tf.nest.pack_sequence_as(features, given, expand_composites=True), PANOPTIC
        ),
        [
            tf.TensorSpec([None, *part.shape[1:]], part.dtype)
            for name in listed
            for part in flat[name]
        ],
    )
    order = [name for name in listed for _ in flat[name]]
    picture = whole.inputs[order.index(keys.IMAGE_ENCODED)]
    wanted = [names.IMAGE, names.IMAGE_SIZE, names.ORIGINAL_SIZE]
    pruned = whole.prune([picture], [whole.structured_outputs[name] for name in wanted])
    assert not [op for op in executed_ops(pruned.graph.as_graph_def()) if "Random" in op]
    expected = transform("panoptic", ragged)
    for name, value in zip(wanted, pruned(features[keys.IMAGE_ENCODED]), strict=True):
        np.testing.assert_array_equal(value, expected[name])
    augmented = whole.prune(whole.inputs, whole.structured_outputs["augmented/image"])
    assert [op for op in executed_ops(augmented.graph.as_graph_def()) if "Random" in op]
    # The truth needs no seed either.
    others = [one for one, name in zip(whole.inputs, order, strict=True) if name != AUGMENT_SEED]
    kept = [k for k in whole.structured_outputs if not k.startswith(names.AUGMENTED)]
    truth = whole.prune(others, [whole.structured_outputs[name] for name in kept])
    assert not [op for op in executed_ops(truth.graph.as_graph_def()) if "Random" in op]


def test_without_augmentation_training_sees_what_evaluation_sees():
    plain = {**INSTANCES, "augmentation": "none"}
    outputs = tf.function(lambda features: detr.preprocessing_fn(features, plain))(
        batch("instances")
    )
    for name in names.VARYING:
        np.testing.assert_array_equal(outputs[names.AUGMENTED + name], outputs[name])


@pytest.mark.parametrize(
    "wrong",
    [
        {"dataset": "coco"},
        {"task": "boxes"},
        {"max_objects": 0},
        {"canvas_size": 1200},
        {"train_sizes": ()},
        {"crop_min": 401},
        {"crop_max": 300},
        {"classes": 80},
        {"augmentation": "crop"},
        {"max_rejected_share": -0.1},
        {"canvas": 800},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="data"):
        detr.preprocessing_fn({}, wrong)


@pytest.mark.realdata
def test_real_scenes_keep_boxes_and_masks_together(shared_dir):
    """Every segment of every view is where its box is, at the paper's sizes."""
    root = str(shared_dir / "data" / "coco")
    config = {"dataset": "coco_panoptic", "task": "panoptic", "subset": True}
    source = CocoSource.from_settings(root, config)
    for reference_ in source.references("eval")[:2]:
        found = source.read(reference_)
        features = {
            name: tf.RaggedTensor.from_tensor(tf.constant([value], VARYING[name]))
            if name in VARYING
            else tf.constant([[value]])
            for name, value in found.features.items()
        }
        features[keys.IMAGE_NUMBER] = tf.cast(features[keys.IMAGE_NUMBER], tf.int64)
        features[AUGMENT_SEED] = tf.constant([augment_seed(found.key)], tf.int64)
        outputs = detr.preprocessing_fn(features, config)
        for prefix in ("", names.AUGMENTED):
            size = outputs[prefix + names.IMAGE_SIZE][0].numpy()
            count = int(outputs[prefix + names.NUM_OBJECTS][0])
            masks = detr_masks.unpack_masks(outputs[prefix + names.MASKS], 128, size).numpy()[0]
            boxes = outputs[prefix + names.BOXES].numpy()[0]
            assert masks[count:].sum() == 0
            for mask, (x, y, w, h) in zip(masks[:count], boxes[:count], strict=True):
                rows, columns = np.nonzero(mask)
                if len(rows):
                    # Inside the box, up to the pixel that the authors leave out, resized twice.
                    slack = 6
                    assert columns.min() >= (x - w / 2) * size[1] - slack
                    assert columns.max() <= (x + w / 2) * size[1] + slack
                    assert rows.min() >= (y - h / 2) * size[0] - slack
                    assert rows.max() <= (y + h / 2) * size[0] + slack
