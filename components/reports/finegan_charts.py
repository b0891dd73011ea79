"""Which of FineGAN's curves share a chart, and what to hold them against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from components.reports.content import Chart, ReferenceLine
from components.trainers.finegan.network_config import NetworkConfig


def charts(config: Mapping[str, Any]) -> tuple[Chart, ...]:
    """The training's curves by what they are about."""
    network = NetworkConfig(**config.get("network", {}))
    numbers = (network.parents, network.children)
    even = (ReferenceLine("ln 2", math.log(2)),)
    even_note = "Dashed: the loss of a blind guess."
    return (
        Chart(
            "Loss, each network's sum",
            ("loss", "generator", "background_discriminator", "child_discriminator"),
            logarithmic=True,
        ),
        Chart(
            "Information losses",
            ("parent_information", "child_information"),
            tuple(ReferenceLine(f"ln {number}", math.log(number)) for number in numbers),
            "Dashed: the loss of a blind guess at the parent, and at the child.",
        ),
        Chart(
            "Discriminators: real and made",
            ("background_real", "background_made", "child_real", "child_made"),
            even,
            even_note,
        ),
        Chart(
            "Generator: to pass for real",
            ("generator_background", "generator_child"),
            even,
            even_note,
        ),
        Chart(
            "Background or object",
            ("background_classified", "generator_background_classified"),
            even,
            even_note,
        ),
        Chart(
            "Codes read rightly, share",
            ("parent_code_accuracy", "child_code_accuracy"),
            tuple(ReferenceLine(f"1/{number}", 1 / number) for number in numbers),
            "Dashed: a blind guess.",
        ),
        Chart("Masks, share of the picture", ("parent_mask_share", "child_mask_share")),
    )
