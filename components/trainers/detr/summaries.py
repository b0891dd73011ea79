"""What a run shows of itself: losses on a few test images, and those images with boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.trainers.detr.batches import crop_to_largest
from components.trainers.detr.boxes import cxcywh_to_xyxy
from components.trainers.detr.model import Detr
from components.trainers.detr.objective import Objective
from components.trainers.detr.post_processing import found_boxes
from components.trainers.detr.targets import Batch
from components.transforms.detr_features import BOXES, IMAGE, IMAGE_SIZE, NUM_OBJECTS

# Boxes of at least this probability are drawn.
DRAWN_FROM = 0.5
TRUE_COLOUR = (0.2, 0.9, 0.2)
FOUND_COLOUR = (0.95, 0.2, 0.2)
# ImageNet's, of red, green and blue.
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class Summarizer:
    """Looks at the same few test images again and again.

    Args:
        model: The network.
        objective: Its loss.
        batch: The images with their objects, without augmentation; None: there are none.
    """

    def __init__(self, model: Detr, objective: Objective, batch: Batch | None) -> None:
        self._model, self._objective = model, objective
        self._batch = None if batch is None else crop_to_largest(batch)

    def scalars(self) -> Mapping[str, float]:
        """The losses as `eval_loss`, `eval_loss_ce`, …, of the last decoder layer."""
        if self._batch is None:
            return {}
        terms = self._losses(self._batch)
        last = {name: value for name, value in terms.items() if not name[-1].isdigit()}
        return {f"eval_{name}": float(value) for name, value in last.items()}

    def images(self) -> Mapping[str, NDArray[Any]]:
        """Each image with its true boxes, green, and those found, red; in [0, 1]."""
        if self._batch is None:
            return {}
        scores, boxes = (np.asarray(one) for one in self._found(self._batch))
        pictures = {}
        for number, size in enumerate(np.asarray(self._batch[IMAGE_SIZE])):
            image = np.asarray(self._batch[IMAGE][number, : size[0], : size[1]])
            picture = np.clip(image * _DEVIATION + _MEAN, 0.0, 1.0)
            true = np.asarray(self._batch[BOXES][number])[: int(self._batch[NUM_OBJECTS][number])]
            picture = _drawn(picture, np.asarray(cxcywh_to_xyxy(true)), TRUE_COLOUR)
            kept = boxes[number][scores[number] >= DRAWN_FROM]
            pictures[f"boxes_{number}"] = _drawn(picture, kept, FOUND_COLOUR)
        return pictures

    @tf.function(autograph=False)
    def _losses(self, batch: Batch) -> Mapping[str, tf.Tensor]:
        return self._objective.terms(batch, self._objective.totals(batch))

    @tf.function(autograph=False)
    def _found(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        found = self._model(batch[IMAGE], batch[IMAGE_SIZE])
        whole = tf.ones_like(batch[IMAGE_SIZE])
        boxes = found_boxes(found.logits[-1], found.boxes_cxcywh[-1], whole)
        return boxes.scores, boxes.boxes_xyxy


def _drawn(
    picture: NDArray[Any], boxes_xyxy: NDArray[Any], colour: tuple[float, float, float]
) -> NDArray[Any]:
    """A picture with the outlines of boxes in [0, 1]."""
    if not len(boxes_xyxy):
        return picture
    boxes_yxyx = boxes_xyxy[None][..., [1, 0, 3, 2]]
    return np.asarray(tf.image.draw_bounding_boxes(picture[None], boxes_yxyx, [colour])[0])
