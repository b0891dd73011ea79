"""Where a metric finds the masks of one image in what the `evaluate` signature gives.

Beside `scores`, `labels` and the targets of `detection_outputs`, masks come in one of three ways,
predicted ones and, with `target_` in front of the names, true ones:

    mask_rle            bytes [queries], COCO's compressed run lengths

    mask_run_lengths    int64 [lengths], uncompressed, column by column, mask by mask
    mask_num_runs       int64 [queries], how many lengths each mask has

or neither, and then they are the segments of `panoptic_png`, whose predicted ones need a score:

    segment_scores      float [s]

True segments bring category, area and crowd flag along: no other target is then read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.errors import DataError
from components.evaluators.detection_outputs import (
    LABELS,
    TARGET_LABELS,
    DetectedRegions,
    TargetRegions,
    output_of,
    read_detected,
    read_image_id,
    read_original_size,
    read_targets,
    require_finite,
    without_padding,
)
from components.evaluators.panoptic_outputs import (
    PANOPTIC_PNG,
    SEGMENT_IDS,
    TARGET,
    read_segments,
)
from components.evaluators.run_length_masks import RunLengthMasks

MASK_RLE = "mask_rle"
MASK_RUN_LENGTHS = "mask_run_lengths"
MASK_NUM_RUNS = "mask_num_runs"
SEGMENT_SCORES = "segment_scores"


def read_detected_masks(outputs: Any) -> tuple[DetectedRegions, RunLengthMasks]:
    """What the model found, and the mask of each.

    Raises:
        DataError: An output is absent or does not fit the others, or a mask is not of the original
            size.
    """
    if _has_masks(outputs, ""):
        return read_detected(outputs), _read_masks(outputs, "", LABELS)
    segments = read_segments(outputs, is_target=False)
    scores = without_padding(outputs, SEGMENT_SCORES, SEGMENT_IDS).astype(np.float64)
    require_finite(read_image_id(outputs), SEGMENT_SCORES, scores)
    masks = RunLengthMasks.of_segments(segments.segment_map, segments.ids)
    return DetectedRegions(scores, segments.categories), masks


def read_target_masks(outputs: Any) -> tuple[TargetRegions, RunLengthMasks]:
    """What there is to find, and the mask of each.

    Raises:
        DataError: As for `read_detected_masks`.
    """
    if _has_masks(outputs, TARGET):
        return read_targets(outputs), _read_masks(outputs, TARGET, TARGET_LABELS)
    segments = read_segments(outputs, is_target=True)
    masks = RunLengthMasks.of_segments(segments.segment_map, segments.ids)
    areas = masks.areas.astype(np.float64)
    return TargetRegions(segments.categories, areas, segments.is_crowd), masks


def _has_masks(outputs: Any, prefix: str) -> bool:
    names = {prefix + MASK_RLE, prefix + MASK_RUN_LENGTHS}
    if not isinstance(outputs, Mapping) or names & outputs.keys():
        return True
    if prefix + PANOPTIC_PNG in outputs:
        return False
    raise DataError(
        f"image {read_image_id(outputs)} has no masks in the outputs of the model",
        found=sorted(outputs),
        expected=f"{prefix}{MASK_RLE} | {prefix}{MASK_RUN_LENGTHS} | {prefix}{PANOPTIC_PNG}",
        fix="leave the metrics of masks out of `metrics`, or export a model with a mask head",
    )


def _read_masks(outputs: Any, prefix: str, labels_name: str) -> RunLengthMasks:
    size = read_original_size(outputs)
    try:
        if prefix + MASK_RLE in outputs:
            return RunLengthMasks.of_texts(
                without_padding(outputs, prefix + MASK_RLE, labels_name).tolist(), size
            )
        counts = without_padding(outputs, prefix + MASK_NUM_RUNS, labels_name).astype(np.int64)
        lengths = np.ravel(output_of(outputs, prefix + MASK_RUN_LENGTHS))
        return RunLengthMasks.of_lengths(lengths[: max(0, int(counts.sum()))], counts, size)
    except DataError as error:
        raise DataError(
            f"image {read_image_id(outputs)}, `{prefix}mask…`: {error.what}",
            found=error.found,
            expected=error.expected,
            fix=error.fix,
        ) from error
