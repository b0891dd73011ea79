"""The ExampleGen of Tiny ImageNet."""

from collections.abc import Mapping
from typing import Any

from components.example_gens.dataset_example_gen import DatasetExampleGen
from components.example_gens.tiny_imagenet_source import TinyImageNetSource


class TinyImageNetExampleGen(DatasetExampleGen):
    """Reads Tiny ImageNet in its official layout."""

    def __init__(self, data_root: str, config: Mapping[str, Any]) -> None:
        """Builds the component.

        Args:
            data_root: The folder with `train` and `val`, local or `gs://…`.
            config: The fields of `LabelledImageDataConfig`, as plain data.

        Raises:
            ConfigError: A setting cannot be used.
        """
        super().__init__(data_root, TinyImageNetSource, config)
