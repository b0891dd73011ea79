"""Which of DETR's curves share a chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.reports.content import Chart
from components.trainers.detr.network_config import NetworkConfig

# Curve -> what it is about.
_OF_LAYERS = {
    "loss_ce": "Classification, cross-entropy",
    "loss_bbox": "Boxes, L1 distance",
    "loss_giou": "Boxes, 1 - generalized IoU",
    "cardinality_error": "Objects found too many or too few",
}
_OF_MASKS = {"loss_mask": "Masks, focal loss", "loss_dice": "Masks, dice loss"}
_LAYERS = "Each decoder layer for itself: 0 is the first, without a number the last."


def charts(config: Mapping[str, Any]) -> tuple[Chart, ...]:
    """The training's curves by what they are about; `eval_` is on the same few test images."""
    network = NetworkConfig(**config.get("network", {}))
    earlier = range(network.decoder_layers - 1 if network.auxiliary_losses else 0)
    terms = {**_OF_LAYERS, **(_OF_MASKS if network.masks else {})}
    terms["class_error"] = "Matched objects of a wrong class, percent"
    plain = (
        Chart("Loss, weighted sum of all terms", ("loss", "eval_loss"), logarithmic=True),
        *(Chart(title, (name, f"eval_{name}")) for name, title in terms.items()),
    )
    by_layer = tuple(
        Chart(f"{title}: by layer", (*(f"{name}_{layer}" for layer in earlier), name), note=_LAYERS)
        for name, title in _OF_LAYERS.items()
    )
    return plain + (by_layer if earlier else ())
