"""The ExampleGen of data sets of boxed pictures: CUB, Stanford Cars, Stanford Dogs."""

from collections.abc import Mapping
from typing import Any

from components.example_gens.boxed_image_config import config_of
from components.example_gens.boxed_image_source import BoxedImageSource
from components.example_gens.cub_source import CubSource
from components.example_gens.dataset_example_gen import DatasetExampleGen
from components.example_gens.stanford_cars_source import StanfordCarsSource
from components.example_gens.stanford_dogs_source import StanfordDogsSource

SOURCES: Mapping[str, type[BoxedImageSource]] = {
    source.DATASET: source for source in (CubSource, StanfordCarsSource, StanfordDogsSource)
}


class BoxedImageExampleGen(DatasetExampleGen):
    """Reads the data set that `config` names, in its official layout."""

    def __init__(self, data_root: str, config: Mapping[str, Any]) -> None:
        """Builds the component.

        Args:
            data_root: The data set's folder, local or `gs://…`.
            config: The fields of `BoxedImageDataConfig`, as plain data.

        Raises:
            ConfigError: A setting cannot be used.
        """
        super().__init__(data_root, SOURCES[config_of(config).dataset], config)
