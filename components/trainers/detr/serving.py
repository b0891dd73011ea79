"""What is found in one image: functions of the image alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from components.trainers.detr.model import Detections, Detr
from components.trainers.detr.panoptic import (
    confident_queries,
    panoptic_segments,
    segment_png,
)
from components.trainers.detr.post_processing import found_boxes, found_masks

Outputs = dict[str, tf.Tensor]

# Masks of so many queries are computed at once: a hundred of a large image would take gigabytes.
QUERIES_AT_ONCE = 10


class ImageDetector:
    """A network applied to one image, which is not padded.

    Every function takes `image` float32 `[height, width, 3]`, normalised, and `original_size` int64
    `[2]`, the size in whose pixels it answers.

    Args:
        model: In float32.
    """

    def __init__(self, model: Detr) -> None:
        self._model = model
        # One function, which all signatures call, so that the network is written once.
        self._detect = tf.function(
            self._detections,
            input_signature=[tf.TensorSpec([None, None, 3], tf.float32)],
            autograph=False,
        )

    def boxes(self, image: tf.Tensor, original_size: tf.Tensor) -> Outputs:
        """`scores`, `labels` and `boxes_xyxy` of all queries."""
        return self._boxes(self._detect(image), original_size)

    def attention(self, image: tf.Tensor, original_size: tf.Tensor) -> Outputs:
        """Boxes, and `attention` `[queries, height, width]`, the mean over the heads."""
        found = self._detect(image)
        maps = tf.reduce_mean(self._model.attention(found)[0], 0)
        ragged = tf.RaggedTensor.from_tensor(maps, ragged_rank=2)
        return {**self._boxes(found, original_size), "attention": ragged}

    def panoptic(self, image: tf.Tensor, original_size: tf.Tensor) -> Outputs:
        """The segments; see `export.py`."""
        return self._panoptic(image, self._detect(image), original_size)

    def everything(self, image: tf.Tensor, original_size: tf.Tensor) -> Outputs:
        """Boxes; and with a mask head segments, and the masks of all queries as runs."""
        found = self._detect(image)
        outputs = self._boxes(found, original_size)
        if self._model.mask_head is None:
            return outputs
        size = tf.shape(image)[:2]
        logits = self._masks(found, tf.range(self._model.config.queries))
        masks = found_masks(logits, tf.unstack(size), size, tf.cast(original_size, tf.int32))
        lengths, counts = run_lengths(masks)
        runs = {"mask_run_lengths": lengths, "mask_num_runs": counts}
        return {**outputs, **self._panoptic(image, found, original_size), **runs}

    def specs(self, function: Callable[..., Outputs]) -> dict[str, Any]:
        """Types and shapes of what one of the functions gives, for a loop over images."""
        queries = self._model.config.queries
        boxes = {
            "scores": tf.TensorSpec([queries], tf.float32),
            "labels": tf.TensorSpec([queries], tf.int64),
            "boxes_xyxy": tf.TensorSpec([queries, 4], tf.float32),
        }
        segments = {
            "panoptic_png": tf.TensorSpec([], tf.string),
            "segment_ids": _row(tf.int64),
            "segment_categories": _row(tf.int64),
            "segment_areas": _row(tf.int64),
            "segment_scores": _row(tf.float32),
        }
        runs = {
            "mask_run_lengths": _row(tf.int64),
            "mask_num_runs": tf.TensorSpec([queries], tf.int64),
        }
        maps = tf.RaggedTensorSpec([queries, None, None], tf.float32, ragged_rank=2)
        by_name: dict[str, dict[str, Any]] = {
            "boxes": boxes,
            "attention": {**boxes, "attention": maps},
            "panoptic": segments,
            "everything": boxes if self._model.mask_head is None else {**boxes, **segments, **runs},
        }
        return by_name[function.__name__]

    def _detections(self, image: tf.Tensor) -> Detections:
        return self._model(image[None], tf.shape(image)[None, :2])

    def _boxes(self, found: Detections, original_size: tf.Tensor) -> Outputs:
        boxes = found_boxes(found.logits[-1], found.boxes_cxcywh[-1], original_size[None])
        return {name: values[0] for name, values in boxes._asdict().items()}

    def _panoptic(self, image: tf.Tensor, found: Detections, original_size: tf.Tensor) -> Outputs:
        logits = found.logits[-1, 0]
        kept = confident_queries(logits)
        segments = panoptic_segments(
            tf.gather(logits, kept),
            self._masks(found, kept),
            tf.unstack(tf.shape(image)[:2]),
            tf.unstack(tf.cast(original_size, tf.int32), 2),
        )
        scores = tf.reduce_max(tf.nn.softmax(tf.gather(logits, kept)), -1)
        return {
            "panoptic_png": segment_png(segments.ids),
            "segment_ids": tf.range(tf.size(segments.categories, tf.int64)),
            "segment_categories": segments.categories,
            "segment_areas": segments.areas,
            "segment_scores": tf.gather(scores, segments.queries),
        }

    def _masks(self, found: Detections, queries: tf.Tensor) -> tf.Tensor:
        """Mask logits `[queries, height / 4, width / 4]`, some queries after the others."""
        count = tf.size(queries)
        groups = tf.maximum(-(-count // QUERIES_AT_ONCE), 1)
        padded = tf.pad(queries, [[0, groups * QUERIES_AT_ONCE - count]])

        def of_group(group: tf.Tensor) -> tf.Tensor:
            return self._model.segment(found, tf.stack([tf.zeros_like(group), group], 1))

        masks = tf.map_fn(
            of_group,
            tf.reshape(padded, [-1, QUERIES_AT_ONCE]),
            fn_output_signature=tf.TensorSpec([QUERIES_AT_ONCE, None, None], tf.float32),
            parallel_iterations=1,
        )
        return tf.reshape(masks, tf.concat([[-1], tf.shape(masks)[2:]], 0))[:count]


def run_lengths(masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Masks as runs of equal pixels, column by column; the first run of each is one of zeros.

    Args:
        masks: uint8 `[masks, height, width]`, 0 or 1.

    Returns:
        The lengths of all runs, int64 `[lengths]`, and how many each mask has, int64 `[masks]`.
    """
    columns = tf.transpose(masks, [0, 2, 1])
    pixels = tf.reshape(columns, tf.stack([tf.shape(masks)[0], -1]))
    # A zero ahead of each mask makes its first run one of zeros, and one place more at the end
    # closes its last.
    before = tf.pad(pixels[:, :-1], [[0, 0], [1, 0]])
    changes = tf.pad(pixels != before, [[0, 0], [0, 1]], constant_values=True)
    places = tf.where(changes)
    counts = tf.reduce_sum(tf.cast(changes, tf.int64), 1)
    starts = tf.pad(places[:-1], [[1, 0], [0, 0]])
    same_mask = tf.pad(places[1:, 0] == places[:-1, 0], [[1, 0]])
    return places[:, 1] - tf.where(same_mask, starts[:, 1], 0), counts


def _row(dtype: tf.DType) -> tf.RaggedTensorSpec:
    return tf.RaggedTensorSpec([None], dtype, ragged_rank=0)
