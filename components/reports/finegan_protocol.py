"""What the numbers of a FineGAN run depend on, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens.boxed_image_config import BoxedImageDataConfig
from components.reports.finegan_neighbours import RealPictures
from components.reports.training_words import training_in_words
from components.trainers.finegan.network_config import NetworkConfig

_DATASETS = {
    "cub": ("CUB-200-2011", "CUB"),
    "stanford_cars": ("Stanford Cars", "Stanford Cars"),
    "stanford_dogs": ("Stanford Dogs", "Stanford Dogs"),
}
# The names of generated classes; see `generated_cub.py`.
_GENERATED = re.compile(r"\bShape\d+_Look\d+\b")


def protocol(real: RealPictures, config: Mapping[str, Any]) -> str:
    """Returns what the numbers depend on, in the words of `paper_results`."""
    network = NetworkConfig(**config.get("network", {}))
    measured = GeneratedImagesConfig(**config.get("generated_images", {}))
    precision = config.get("training", {}).get("precision", "float32")
    made = network.children * measured.images_per_child
    trained = (
        f"{data_in_words(real.names, config)} at {network.image_size} x {network.image_size}",
        f"widths {network.generator_width} (generator) and {network.discriminator_width}",
        training_in_words(config, "Adam"),
        precision,
    )
    parts = (
        ", ".join(part for part in trained if part),
        f"{made:,} generated images ({network.children} children x {measured.images_per_child},"
        f" codes tied: {network.parents} parents)",
        f"{real.neighbours.num_real:,} real images: those of the official test split, cropped about"
        " their objects",
        f"features by {measured.protocol}",
    )
    return "; ".join(parts)


def data_in_words(names: Sequence[str], config: Mapping[str, Any]) -> str:
    """The data set in words; generated pictures in its layout must not pass for it."""
    data = config.get("data", {})
    dataset = str(data.get("dataset", BoxedImageDataConfig.dataset))
    name, short = _DATASETS.get(dataset, (dataset, dataset))
    if any(_GENERATED.search(one) for one in names):
        return f"generated birds in {short}'s layout"
    return f"a subset of {name}" if data.get("subset") else name
