"""The generated scenes that DETR's presets train on where no data are named."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from components.errors import ConfigError
from components.example_gens.coco_config import CocoDataConfig
from components.example_gens.generated_coco import write_generated_coco

FEW_IMAGES, MANY_IMAGES = 40, 2_000
# A canvas of fewer pixels is that of a run that only shows that everything works.
SMALLEST_TRAINED = 100


class HasData(Protocol):
    """A configuration that names a data set."""

    @property
    def data(self) -> CocoDataConfig:
        """The section that names it."""


def sample_coco(config: HasData, directory: Path) -> Path:
    """Generated scenes in COCO's layout, for runs that name no data.

    Args:
        config: DETR's configuration.
        directory: Where they are kept; each number of pictures has a folder of its own there.

    Returns:
        The data root.

    Raises:
        ConfigError: The run is about the whole of COCO, or categories that are not COCO's.
    """
    data = config.data
    if not data.subset or data.categories != "official":
        raise ConfigError(
            "this run needs COCO",
            found="no --data-root",
            expected="the folder of its official files; `papergarden data fetch coco` gets them",
            fix="--data-root DIR, or --preset sample, which trains on generated scenes",
        )
    images = FEW_IMAGES if data.canvas_size < SMALLEST_TRAINED else MANY_IMAGES
    return write_generated_coco(directory / f"{images}-scenes", images=images)
