"""The ExampleGen of COCO, instances and panoptic."""

from collections.abc import Mapping
from typing import Any

from components.example_gens.coco_source import CocoSource
from components.example_gens.dataset_example_gen import DatasetExampleGen


class CocoExampleGen(DatasetExampleGen):
    """Reads COCO 2017 in its official layout."""

    def __init__(self, data_root: str, config: Mapping[str, Any]) -> None:
        """Builds the component.

        Args:
            data_root: The data set's folder, local or `gs://…`.
            config: The fields of `CocoDataConfig`, as plain data.

        Raises:
            ConfigError: A setting cannot be used.
        """
        super().__init__(data_root, CocoSource, config)
