"""The generated birds that FineGAN's presets train on where no data are named."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from components.errors import ConfigError
from components.example_gens.boxed_image_config import BoxedImageDataConfig
from components.example_gens.generated_cub import write_generated_cub

IMAGES_PER_CLASS = 50


class HasData(Protocol):
    """A configuration that names a data set."""

    @property
    def data(self) -> BoxedImageDataConfig:
        """The section that names it."""


def sample_cub(config: HasData, directory: Path) -> Path:
    """Generated birds in CUB's layout, for runs that name no data.

    Args:
        config: FineGAN's configuration.
        directory: Where they are kept; each number of classes has a folder of its own there.

    Returns:
        The data root.

    Raises:
        ConfigError: The run is not about a subset of CUB.
    """
    data = config.data
    if data.dataset != "cub" or not data.subset:
        raise ConfigError(
            f"this run needs the data set {data.dataset}",
            found="no --data-root",
            expected="the folder of its official files; `papergarden data fetch cub` gets CUB",
            fix="--data-root DIR, or --preset sample, which trains on generated birds",
        )
    classes, shapes = data.num_fine_classes, data.num_super_classes
    return write_generated_cub(
        directory / f"{classes}-classes-{shapes}-shapes",
        images=IMAGES_PER_CLASS * classes,
        classes=classes,
        super_classes=shapes,
    )
