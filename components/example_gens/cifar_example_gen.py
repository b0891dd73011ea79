"""The ExampleGen of CIFAR-10."""

from collections.abc import Mapping
from typing import Any

from components.example_gens.cifar_source import CifarSource
from components.example_gens.dataset_example_gen import DatasetExampleGen


class CifarExampleGen(DatasetExampleGen):
    """Reads CIFAR-10, binary or python version."""

    def __init__(self, data_root: str, config: Mapping[str, Any]) -> None:
        """Builds the component.

        Args:
            data_root: The unpacked archive or the folder above it, local or `gs://…`.
            config: The fields of `LabelledImageDataConfig`, as plain data.

        Raises:
            ConfigError: A setting cannot be used.
        """
        super().__init__(data_root, CifarSource, config)
