"""The weights of DETR's losses; free of TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LossWeights:
    """Factors of the loss terms; the first three are those of the matching's costs too.

    Attributes:
        classification: Of the cross-entropy, and of the probability in a cost.
        box: Of the L1 distance.
        overlap: Of the generalized IoU.
        mask: Of the focal loss.
        dice: Of the dice loss.
        no_object: Weight of the class "no object" inside the cross-entropy.
    """

    classification: float = 1.0
    box: float = 5.0
    overlap: float = 2.0
    mask: float = 1.0
    dice: float = 1.0
    no_object: float = 0.1
