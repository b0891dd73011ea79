"""DETR's Transform: pictures on a canvas, boxes and masks with them, and the truth as it was.

Names and shapes of what it gives stand in `detr_features.py`. The evaluation's pictures need the
encoded picture alone, the training view needs `augment/seed` too: a loop each, so that serving can
drop what it does not need from the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from components.example_gens import coco_features as keys
from components.example_gens.coco_config import CocoDataConfig, config_of
from components.example_gens.record_source import AUGMENT_SEED
from components.transforms import detr_features as names
from components.transforms import detr_geometry, detr_masks, detr_views, pictures
from components.transforms.detr_geometry import Lookup, Targets


class Truth(NamedTuple):
    """What a record says of its picture's objects, or segments; batched or of one picture.

    Attributes:
        boxes_xywh: `[4 n]` float32; left, top, width, height in pixels.
        category: `[n]` int64.
        area: `[n]` float32, pixels.
        is_crowd: `[n]` int64.
        mask: What masks are made of: run lengths `[n]` string, or segment ids `[n]` int64.
        panoptic: The encoded PNG, scalar string, of segments; of objects, an empty text.
    """

    boxes_xywh: Any
    category: Any
    area: Any
    is_crowd: Any
    mask: Any
    panoptic: Any


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the inputs of a batch; the entry point that TFX's Transform calls.

    Args:
        inputs: The record's features, batched (see `coco_features.py`).
        custom_config: The fields of `CocoDataConfig`.

    Returns:
        What `detr_features.py` lists, batched. Only the augmented outputs depend on `augment/seed`;
        `image`, `image_size` and `original_size` depend on the encoded picture alone.
    """
    # No Python of it depends on a tensor, and looking for such takes half the time of tracing.
    plain = tf.autograph.experimental.do_not_convert(_all_outputs)
    outputs: dict[str, Any] = plain(inputs, config_of(custom_config))
    return outputs


def _all_outputs(inputs: Mapping[str, Any], config: CocoDataConfig) -> dict[str, Any]:
    encoded = tf.reshape(inputs[keys.IMAGE_ENCODED], [-1])
    truth = _truth_of(inputs, config, encoded)
    outputs = _evaluation_pictures(encoded, config)
    original_size = tf.cast(outputs[names.ORIGINAL_SIZE], tf.int32)
    outputs |= _evaluation_targets(truth, original_size, config)
    seeds = tf.reshape(inputs[AUGMENT_SEED], [-1, 2])
    augmented = _training_views(encoded, truth, seeds, config)
    outputs |= {names.AUGMENTED + name: value for name, value in augmented.items()}
    outputs[names.IMAGE_ID] = tf.reshape(inputs[keys.IMAGE_NUMBER], [-1])
    return outputs | _as_it_was(inputs, config)


def usable_targets(truth: Truth, size: tf.Tensor, config: CocoDataConfig) -> Targets:
    """What the network learns of a picture, as the authors' data sets prepare it.

    Args:
        truth: Of one picture.
        size: `[2]` int32; its height and width, pixels.
        config: Objects lose crowds, are cut at the edge, and go where nothing is left. Segments
            stay, all of them; their boxes reach from the first to the last pixel's index.
    """
    boxes = tf.reshape(truth.boxes_xywh, [-1, 4])
    # The authors count pixels of a segment from 0: the last one is one less than the edge.
    extent = boxes[:, 2:] - (1.0 if config.dataset == "coco_panoptic" else 0.0)
    boxes = tf.concat([boxes[:, :2], boxes[:, :2] + extent], axis=1)
    index = tf.range(tf.size(truth.category))
    targets = Targets(boxes, truth.category, truth.area, truth.is_crowd, index)
    if config.dataset == "coco_panoptic":
        return targets
    clipped = detr_geometry.clip_boxes(boxes, size)
    has_area = tf.reduce_all(clipped[:, 2:] > clipped[:, :2], axis=1)
    return targets._replace(boxes=clipped).kept((truth.is_crowd == 0) & has_area)


def _evaluation_pictures(encoded: tf.Tensor, config: CocoDataConfig) -> dict[str, Any]:
    def one(content: tf.Tensor) -> dict[str, tf.Tensor]:
        picture = pictures.decode_rgb(content)
        resized = detr_views.evaluation_picture(picture, config)
        return {
            names.IMAGE: detr_views.on_canvas(resized, config.canvas_size),
            names.IMAGE_SIZE: _size(resized),
            names.ORIGINAL_SIZE: _size(picture),
        }

    signature = {
        names.IMAGE: tf.TensorSpec([config.canvas_size, config.canvas_size, 3], tf.float32),
        names.IMAGE_SIZE: tf.TensorSpec([2], tf.int64),
        names.ORIGINAL_SIZE: tf.TensorSpec([2], tf.int64),
    }
    return _mapped(one, encoded, signature)


def _evaluation_targets(truth: Truth, sizes: tf.Tensor, config: CocoDataConfig) -> dict[str, Any]:
    def one(elements: tuple[Truth, tf.Tensor]) -> dict[str, tf.Tensor]:
        known, size = elements
        usable = usable_targets(known, size, config)
        targets, lookup = detr_views.evaluation_targets(usable, size, config)
        return _outputs(known, targets, lookup, size, config)

    return _mapped(one, (truth, sizes), _signature(config))


def _training_views(
    encoded: tf.Tensor, truth: Truth, seeds: tf.Tensor, config: CocoDataConfig
) -> dict[str, Any]:
    def one(elements: tuple[tf.Tensor, Truth, tf.Tensor]) -> dict[str, tf.Tensor]:
        content, known, seed = elements
        picture = pictures.decode_rgb(content)
        size = tf.shape(picture)[:2]
        view = detr_views.training_view(picture, usable_targets(known, size, config), seed, config)
        return {
            names.IMAGE: detr_views.on_canvas(view.picture, config.canvas_size),
            names.IMAGE_SIZE: _size(view.picture),
            **_outputs(known, view.targets, view.lookup, size, config),
        }

    signature = {
        names.IMAGE: tf.TensorSpec([config.canvas_size, config.canvas_size, 3], tf.float32),
        names.IMAGE_SIZE: tf.TensorSpec([2], tf.int64),
        **_signature(config),
    }
    return _mapped(one, (encoded, truth, seeds), signature)


def _outputs(
    truth: Truth, targets: Targets, lookup: Lookup, original_size: tf.Tensor, config: CocoDataConfig
) -> dict[str, tf.Tensor]:
    """Boxes, labels, their number and the masks of one view."""
    size = tf.stack([tf.size(lookup.rows), tf.size(lookup.columns)])
    outputs = {
        names.BOXES: _padded(detr_geometry.to_relative_cxcywh(targets.boxes, size), config),
        names.LABELS: _padded(targets.labels, config),
        names.NUM_OBJECTS: tf.size(targets.labels, tf.int64),
    }
    if config.has_masks:
        source = tf.gather(truth.mask, targets.index)
        if config.dataset == "coco_panoptic":
            segment_ids = detr_masks.decode_segment_ids(truth.panoptic)
            masks = detr_masks.segment_masks(segment_ids, source, lookup)
        else:
            masks = detr_masks.run_length_masks(source, original_size, lookup)
        outputs[names.MASKS] = detr_masks.pack_masks(masks)
    return outputs


def _signature(config: CocoDataConfig) -> dict[str, tf.TensorSpec]:
    masks = {names.MASKS: tf.TensorSpec([], tf.string)} if config.has_masks else {}
    return {
        names.BOXES: tf.TensorSpec([config.max_objects, 4], tf.float32),
        names.LABELS: tf.TensorSpec([config.max_objects], tf.int64),
        names.NUM_OBJECTS: tf.TensorSpec([], tf.int64),
        **masks,
    }


def _truth_of(inputs: Mapping[str, Any], config: CocoDataConfig, encoded: tf.Tensor) -> Truth:
    """What the network learns from: segments of panoptic data, else objects."""
    if config.dataset == "coco_panoptic":
        return Truth(
            _ragged(inputs[keys.SEGMENT_BOX_XYWH]),
            _ragged(inputs[keys.SEGMENT_CATEGORY]),
            _ragged(inputs[keys.SEGMENT_AREA]),
            _ragged(inputs[keys.SEGMENT_IS_CROWD]),
            _ragged(inputs[keys.SEGMENT_ID]),
            tf.reshape(inputs[keys.PANOPTIC_ENCODED], [-1]),
        )
    return Truth(
        _ragged(inputs[keys.OBJECT_BOX_XYWH]),
        _ragged(inputs[keys.OBJECT_CATEGORY]),
        _ragged(inputs[keys.OBJECT_AREA]),
        _ragged(inputs[keys.OBJECT_IS_CROWD]),
        _ragged(inputs[keys.OBJECT_MASK_RLE]),
        tf.fill(tf.shape(encoded), ""),
    )


def _as_it_was(inputs: Mapping[str, Any], config: CocoDataConfig) -> dict[str, Any]:
    """The truth that evaluation scores against."""
    count = config.max_objects
    corners = _dense(inputs[keys.OBJECT_BOX_XYWH], 0.0, 4 * count)
    boxes = tf.reshape(corners, [-1, count, 4])
    outputs = {
        names.TARGET_LABELS: _dense(inputs[keys.OBJECT_CATEGORY], names.PADDING, count),
        names.TARGET_BOXES_XYXY: tf.concat(
            [boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1
        ),
        names.TARGET_AREA: _dense(inputs[keys.OBJECT_AREA], 0.0, count),
        names.TARGET_IS_CROWD: _dense(inputs[keys.OBJECT_IS_CROWD], 0, count),
        names.TARGET_MASK_RLE: _dense(inputs[keys.OBJECT_MASK_RLE], "", count),
    }
    if config.dataset == "coco_panoptic":
        for name, key, default in (
            (names.TARGET_SEGMENT_IDS, keys.SEGMENT_ID, names.PADDING),
            (names.TARGET_SEGMENT_CATEGORIES, keys.SEGMENT_CATEGORY, names.PADDING),
            (names.TARGET_SEGMENT_IS_CROWD, keys.SEGMENT_IS_CROWD, 0),
        ):
            outputs[name] = _dense(inputs[key], default, count)
        # Under a name of its own: Transform refuses an output that is an input.
        outputs[names.TARGET_PANOPTIC_PNG] = tf.identity(
            tf.reshape(inputs[keys.PANOPTIC_ENCODED], [-1])
        )
    return outputs


def _mapped(function: Any, elements: Any, signature: Mapping[str, tf.TensorSpec]) -> dict[str, Any]:
    return dict(tf.map_fn(function, elements, fn_output_signature=dict(signature)))


def _ragged(values: Any) -> tf.RaggedTensor:
    """`[batch, any]`, however Transform hands over values of varying number."""
    if not isinstance(values, tf.SparseTensor):
        return values
    # Without assertions: in Transform's graph every output would wait for them, and with them for
    # all features, so that serving could not do with the picture alone.
    rows, count = values.indices[:, 0], values.dense_shape[0]
    return tf.RaggedTensor.from_value_rowids(values.values, rows, count, validate=False)


def _dense(values: Any, padding: Any, count: int) -> tf.Tensor:
    """`[batch, count]`."""
    return tf.ensure_shape(_ragged(values).to_tensor(padding, shape=[None, count]), [None, count])


def _padded(values: tf.Tensor, config: CocoDataConfig) -> tf.Tensor:
    """`[n, …]` with zeros behind it, `[max_objects, …]`."""
    missing = config.max_objects - tf.shape(values)[0]
    paddings = [[0, missing]] + [[0, 0]] * (values.shape.rank - 1)
    padded = tf.pad(values, paddings)
    return tf.ensure_shape(padded, [config.max_objects, *values.shape[1:]])


def _size(picture: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.shape(picture)[:2], tf.int64)
