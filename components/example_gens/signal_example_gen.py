"""The ExampleGen of SIREN."""

from collections.abc import Mapping
from typing import Any

from components.example_gens.dataset_example_gen import DatasetExampleGen
from components.example_gens.signal_source import SignalSource


class SignalExampleGen(DatasetExampleGen):
    """Reads the picture, pictures, film or sound that SIREN fits."""

    def __init__(self, data_root: str, config: Mapping[str, Any]) -> None:
        """Builds the component.

        Args:
            data_root: A file or folder, local or `gs://…`.
            config: `task` and the fields of `SignalDataConfig`, as plain data.

        Raises:
            ConfigError: A setting cannot be used.
        """
        super().__init__(data_root, SignalSource, config)
