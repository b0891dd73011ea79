"""What a detector's `evaluate` signature gives, and how a metric reads one image of it.

Names and shapes per image; `n` differs from image to image and is padded within a batch. Boxes are
(x1, y1, x2, y2) in pixels of the original image.

    image_id              int64 []
    original_size         int64 [2], height and width in pixels
    scores                float [queries]
    labels                int64 [queries], COCO's category ids
    boxes_xyxy            float [queries, 4]
    target_labels         int64 [n], COCO's category ids
    target_boxes_xyxy     float [n, 4]
    target_area           float [n], the annotation's area in pixels, which puts it into a range
    target_is_crowd       int64 [n], 0 or 1

Padding stands last and has the label -1; whatever else is said of it is not read. `mask_outputs`
and `panoptic_outputs` hold the names of masks and segments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.evaluate_signature import EVALUATE_SIGNATURE

IMAGE_ID = "image_id"
ORIGINAL_SIZE = "original_size"
SCORES = "scores"
LABELS = "labels"
BOXES_XYXY = "boxes_xyxy"
TARGET_LABELS = "target_labels"
TARGET_BOXES_XYXY = "target_boxes_xyxy"
TARGET_AREA = "target_area"
TARGET_IS_CROWD = "target_is_crowd"

PADDING = -1


@dataclass(frozen=True, eq=False)
class DetectedRegions:
    """What a model found in an image.

    Attributes:
        scores: float64 `[detections]`, finite.
        labels: int64 `[detections]`, category ids, 0 or more.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TargetRegions:
    """What there is to find in an image.

    Attributes:
        labels: int64 `[targets]`, category ids, 1 or more.
        areas: float64 `[targets]`, in pixels.
        is_crowd: bool `[targets]`: a crowd may be found any number of times, or not at all.
    """

    labels: NDArray[np.int64]
    areas: NDArray[np.float64]
    is_crowd: NDArray[np.bool_]


def output_of(outputs: Any, name: str) -> NDArray[Any]:
    """One output of one image.

    Raises:
        DataError: It is absent.
    """
    if not isinstance(outputs, Mapping) or name not in outputs:
        found = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise DataError(
            f"the model's `{EVALUATE_SIGNATURE}` signature lacks the output `{name}`",
            found=found,
            expected="the outputs that components/evaluators/detection_outputs.py lists",
            fix="export the model with Papergarden's trainer, or leave the metric out of `metrics`",
        )
    return np.asarray(outputs[name])


def read_image_id(outputs: Any) -> int:
    """The image's number in the data set.

    Raises:
        DataError: It is absent.
    """
    return int(np.ravel(output_of(outputs, IMAGE_ID))[0])


def read_original_size(outputs: Any) -> tuple[int, int]:
    """Height and width of the original image in pixels.

    Raises:
        DataError: The output is absent, or no size.
    """
    size = np.ravel(output_of(outputs, ORIGINAL_SIZE))
    if size.size != 2 or np.min(size) < 1:
        raise DataError(
            f"image {read_image_id(outputs)} has no size",
            found=size.tolist(),
            expected=f"height and width in `{ORIGINAL_SIZE}`, each 1 or more",
        )
    return int(size[0]), int(size[1])


def read_detected(outputs: Any) -> DetectedRegions:
    """Scores and labels of what the model found, without padding.

    Raises:
        DataError: An output is absent, they do not belong together, a score is not finite, or a
            label is no category.
    """
    image_id = read_image_id(outputs)
    labels = without_padding(outputs, LABELS, LABELS, smallest=0)
    scores = without_padding(outputs, SCORES, LABELS).astype(np.float64)
    require_finite(image_id, SCORES, scores)
    return DetectedRegions(scores, labels.astype(np.int64))


def read_targets(outputs: Any) -> TargetRegions:
    """Labels, areas and crowd flags of what there is to find, without padding.

    Raises:
        DataError: An output is absent, they do not belong together, an area is no number from 0 on,
            or a label is no category.
    """
    image_id = read_image_id(outputs)
    labels = without_padding(outputs, TARGET_LABELS, TARGET_LABELS, smallest=1)
    areas = without_padding(outputs, TARGET_AREA, TARGET_LABELS).astype(np.float64)
    is_crowd = without_padding(outputs, TARGET_IS_CROWD, TARGET_LABELS) != 0
    require_finite(image_id, TARGET_AREA, areas)
    if np.any(areas < 0.0):
        raise DataError(
            f"image {image_id} has a target of negative area",
            found=float(np.min(areas)),
            expected=f"0 or more in `{TARGET_AREA}`",
        )
    return TargetRegions(labels.astype(np.int64), areas, is_crowd)


def read_boxes(outputs: Any, name: str, labels_name: str) -> NDArray[np.float64]:
    """Boxes without padding.

    Args:
        outputs: Of one image.
        name: `boxes_xyxy` or `target_boxes_xyxy`.
        labels_name: The output with their labels.

    Returns:
        `[boxes, 4]`, (x1, y1, x2, y2), without negative sides.

    Raises:
        DataError: An output is absent, they do not belong together, or a box is none.
    """
    image_id = read_image_id(outputs)
    boxes = without_padding(outputs, name, labels_name, width=4).astype(np.float64)
    require_finite(image_id, name, boxes)
    wrong = np.flatnonzero(np.any(boxes[:, 2:] < boxes[:, :2], axis=1))
    if wrong.size:
        raise DataError(
            f"image {image_id} has a box of negative size in `{name}`",
            found=f"box {wrong[0]}: {boxes[wrong[0]].tolist()}",
            expected="(x1, y1, x2, y2) with x1 <= x2 and y1 <= y2",
        )
    return boxes


def without_padding(
    outputs: Any, name: str, padded_name: str, *, smallest: int | None = None, width: int = 1
) -> NDArray[Any]:
    """The rows of an output that are no padding.

    Args:
        outputs: Of one image.
        name: The output.
        padded_name: The output that says by -1 which rows are padding.
        smallest: What its values must at least be.
        width: Values of a row.

    Returns:
        `[rows]`, or `[rows, width]` where the width is not 1.

    Raises:
        DataError: Padding does not stand last, rows are missing, or a value is too small.
    """
    numbers = np.ravel(output_of(outputs, padded_name))
    is_padding = numbers == PADDING
    count = int(np.argmax(is_padding)) if np.any(is_padding) else numbers.size
    values = np.ravel(output_of(outputs, name))
    if not np.all(is_padding[count:]) or values.size != numbers.size * width:
        raise DataError(
            f"image {read_image_id(outputs)}: the output `{name}` does not fit `{padded_name}`",
            found=f"{values.size} values for {numbers.size} rows, of which {count} before padding",
            expected=f"rows of {width}, those of padding last",
        )
    kept = values[: count * width]
    if smallest is not None and np.any(kept < smallest):
        raise DataError(
            f"image {read_image_id(outputs)} has an unknown category in `{name}`",
            found=int(np.min(kept)),
            expected=f"category ids, {smallest} or more; {PADDING} for padding",
        )
    return kept if width == 1 else kept.reshape(count, width)


def require_finite(image_id: int, name: str, values: NDArray[Any]) -> None:
    """Refuses what is infinite or not a number.

    Raises:
        DataError: There is such a value.
    """
    wrong = np.argwhere(~np.isfinite(values))
    if wrong.size:
        raise DataError(
            f"image {image_id} has a value that is no finite number in `{name}`",
            found=f"{values[tuple(wrong[0])]} in row {wrong[0][0]}",
            expected="finite numbers",
            fix="if it is the model's, look at its training: it may have diverged",
        )
