"""What a batch of images costs: detections, matching, losses."""

from __future__ import annotations

import tensorflow as tf

from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.losses import Terms, set_losses, weighted_sum
from components.trainers.detr.mask_losses import mask_losses
from components.trainers.detr.matching import match
from components.trainers.detr.model import Detections, Detr
from components.trainers.detr.targets import Batch, Targets, Totals, targets_of, totals_of
from components.transforms.detr_features import IMAGE, IMAGE_SIZE, NUM_OBJECTS


class Objective:
    """The loss of a network.

    Args:
        model: With a mask head, masks are trained too.
        weights: Of the terms.
        frozen_detector: Whether the mask head alone learns.
    """

    def __init__(self, model: Detr, weights: LossWeights, *, frozen_detector: bool = False) -> None:
        self._model, self._weights = model, weights
        self._frozen_detector = frozen_detector

    def totals(self, batch: Batch) -> Totals:
        """What the losses of a batch, and of all replicas' batches with it, are divided by."""
        counts = tf.cast(batch[NUM_OBJECTS], tf.int32)
        return totals_of(counts, self._model.config.queries, self._weights.no_object)

    def terms(self, batch: Batch, totals: Totals, dropout_seed: tf.Tensor | None = None) -> Terms:
        """Losses of a batch or of a part of it.

        Args:
            batch: Images and objects under the names of `detr_features`.
            totals: Of the whole batch.
            dropout_seed: int64 `[2]`, in training; None drops nothing.

        Returns:
            `loss`, the weighted sum, and what `set_losses` and `mask_losses` give.
        """
        targets = targets_of(batch)
        found = self._model(
            batch[IMAGE],
            batch[IMAGE_SIZE],
            every_layer=self._model.config.auxiliary_losses,
            dropout_seed=dropout_seed,
        )
        if self._frozen_detector:
            found = tf.nest.map_structure(tf.stop_gradient, found)
        objects = match(found.logits, found.boxes_cxcywh, targets, self._weights)
        terms = set_losses(
            found.logits, found.boxes_cxcywh, objects, targets, totals, self._weights
        )
        if self._model.mask_head is not None:
            terms |= self._mask_terms(found, objects[-1], targets, totals)
        return {"loss": weighted_sum(terms, self._weights), **terms}

    def _mask_terms(
        self, found: Detections, objects: tf.Tensor, targets: Targets, totals: Totals
    ) -> Terms:
        pairs = tf.cast(tf.where(objects >= 0), tf.int32)
        count = tf.shape(pairs)[0]
        # Convolutions refuse an empty batch: without any object, a mask that does not count.
        pairs = tf.pad(pairs, [[0, tf.cast(count == 0, tf.int32)], [0, 0]])
        kept = tf.cast(tf.range(tf.shape(pairs)[0]) < count, tf.float32)
        chosen = tf.maximum(tf.gather_nd(objects, pairs), 0)
        masks = tf.gather_nd(targets.masks, tf.stack([pairs[:, 0], chosen], 1))
        return mask_losses(self._model.segment(found, pairs), masks, kept, totals.objects)
