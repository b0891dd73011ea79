"""The ExampleGen of ImageNet (ILSVRC2012)."""

from collections.abc import Mapping
from typing import Any

from components.example_gens.dataset_example_gen import DatasetExampleGen
from components.example_gens.imagenet_source import ImageNetSource


class ImageNetExampleGen(DatasetExampleGen):
    """Reads ImageNet (ILSVRC2012) in its official layout."""

    def __init__(self, data_root: str, config: Mapping[str, Any]) -> None:
        """Builds the component.

        Args:
            data_root: The folder with `train` and `val`, local or `gs://…`.
            config: The fields of `LabelledImageDataConfig`, as plain data.

        Raises:
            ConfigError: A setting cannot be used.
        """
        super().__init__(data_root, ImageNetSource, config)
