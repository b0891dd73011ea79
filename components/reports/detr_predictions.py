"""What an exported detector finds in a few test images, beside what there is."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.detection_outputs import (
    BOXES_XYXY,
    LABELS,
    TARGET_BOXES_XYXY,
    TARGET_LABELS,
    read_boxes,
    read_detected,
    read_targets,
)
from components.evaluators.panoptic_outputs import (
    PANOPTIC_PNG,
    TARGET,
    PanopticSegments,
    read_segments,
)
from components.example_gens import coco_features as keys
from components.reports.content import PaperInputs
from components.reports.evaluated_model import EvaluatedModel
from components.reports.picture_panels import Pixels

#: Test images that a report shows: the first ones.
SHOWN = 6
_ATTENTION = "attention"
_NUMBERS_AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class Objects:
    """Boxes in an image.

    Attributes:
        boxes_xyxy: float64 `[objects, 4]`, pixels of the image.
        labels: int64 `[objects]`, category ids.
        scores: float64 `[objects]` in [0, 1]; of the truth 1.
        is_crowd: bool `[objects]`.
    """

    boxes_xyxy: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    is_crowd: NDArray[np.bool_]

    def kept(self, which: NDArray[Any]) -> Objects:
        """Some of them: by a mask, or by their numbers and in that order."""
        return Objects(
            self.boxes_xyxy[which], self.labels[which], self.scores[which], self.is_crowd[which]
        )


@dataclass(frozen=True, eq=False)
class ShownImage:
    """A test image, its truth, and what was found.

    Attributes:
        number: COCO's image id.
        pixels: `[height, width, 3]`, 8-bit levels.
        true: What there is to find.
        found: Of all queries.
        attention: float32 `[queries, rows, columns]`: where each query looks in the last decoder
            layer; a map sums to 1.
        true_segments: Of panoptic data.
        found_segments: Of a network with masks.
    """

    number: int
    pixels: Pixels
    true: Objects
    found: Objects
    attention: NDArray[np.float32]
    true_segments: PanopticSegments | None = None
    found_segments: PanopticSegments | None = None


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a report shows of a detector.

    Attributes:
        images: The first test images.
        image_numbers: Of all test images, COCO's image ids.
    """

    images: tuple[ShownImage, ...]
    image_numbers: tuple[int, ...]


def load_predictions(inputs: PaperInputs) -> Predictions:
    """Runs a model on the first records of the split `eval`.

    Args:
        inputs: The run.

    Raises:
        DataError: There is no record, a picture cannot be read, or the model is not one of this
            paper's.
    """
    from components.example_gens.split_files import read_records

    records = list(read_records(inputs.example_files).take(SHOWN).as_numpy_iterator())
    if not records:
        raise DataError(
            "the split `eval` holds no record to show",
            found=", ".join(inputs.example_files) or "no file",
            expected="the records that ExampleGen wrote",
        )
    model = EvaluatedModel(inputs.saved_model_dir)
    if _ATTENTION not in model.loaded.signatures:
        raise DataError(
            f"the model in {inputs.saved_model_dir} does not show where it looks",
            found=f"the signatures {', '.join(model.loaded.signatures)}",
            expected=f"a signature `{_ATTENTION}`",
            fix="export the model with Papergarden's trainer",
        )
    return Predictions(
        tuple(_shown(record, model) for record in records), _image_numbers(inputs.example_files)
    )


def objects_of(outputs: Mapping[str, Any]) -> tuple[Objects, Objects]:
    """Returns what there is and what was found in one image.

    Args:
        outputs: Of the signature `evaluate`; see `detection_outputs`.

    Raises:
        DataError: An output is absent, or holds what is no box, score or category.
    """
    targets, detected = read_targets(outputs), read_detected(outputs)
    ones, no_crowds = np.ones(targets.labels.size), np.zeros(detected.labels.size, bool)
    true_boxes = read_boxes(outputs, TARGET_BOXES_XYXY, TARGET_LABELS)
    boxes = read_boxes(outputs, BOXES_XYXY, LABELS)
    true = Objects(true_boxes, targets.labels, ones, targets.is_crowd)
    return true, Objects(boxes, detected.labels, detected.scores, no_crowds)


def _shown(record: bytes, model: EvaluatedModel) -> ShownImage:
    """One record by itself: what is found in an image depends on it alone."""
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    encoded = features[keys.IMAGE_ENCODED].bytes_list.value[0]
    number = features[keys.IMAGE_NUMBER].int64_list.value[0]
    [outputs] = model.outputs([record])
    true, found = objects_of(outputs)
    looked = model.loaded.signatures[_ATTENTION](images=tf.constant([encoded]))
    return ShownImage(
        number,
        _decoded(encoded, number),
        true,
        found,
        looked[_ATTENTION].numpy()[0],
        _segments(outputs, is_target=True),
        _segments(outputs, is_target=False),
    )


def _segments(outputs: Mapping[str, Any], *, is_target: bool) -> PanopticSegments | None:
    """None of data, or a network, without any; the truth of COCO's instances is an empty text."""
    png = outputs.get((TARGET if is_target else "") + PANOPTIC_PNG)
    if not png:
        return None
    return read_segments(outputs, is_target=is_target)


def _decoded(encoded: bytes, number: int) -> Pixels:
    from PIL import Image

    try:
        return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"image {number} cannot be read",
            found=f"{len(encoded)} bytes: {error}",
            expected="a whole JPEG or PNG",
        ) from error


def _image_numbers(files: Sequence[str]) -> tuple[int, ...]:
    import tensorflow as tf

    from components.example_gens.split_files import read_records

    spec = {keys.IMAGE_NUMBER: tf.io.FixedLenFeature([], tf.int64)}
    numbers: list[int] = []
    for batch in read_records(files).batch(_NUMBERS_AT_ONCE):
        numbers += tf.io.parse_example(batch, spec)[keys.IMAGE_NUMBER].numpy().tolist()
    return tuple(numbers)
