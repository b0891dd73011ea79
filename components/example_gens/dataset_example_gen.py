"""The ExampleGen that every data set shares: splits, fingerprint, checked and counted records.

A data set passes its `RecordSource`; component, driver and executor stay as they are.
"""

import json
from collections.abc import Mapping
from typing import Any

from tfx.components.example_gen import driver
from tfx.components.example_gen import utils as example_gen_utils
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.orchestration import data_types
from tfx.proto import example_gen_pb2

from components.example_gens.dataset_executor import (
    RECORD_SOURCE_KEY,
    DatasetExecutor,
    source_of_execution,
)
from components.example_gens.record_source import RecordSource


class DatasetDriver(driver.FileBasedDriver):
    """Puts the data's fingerprint into the cache key: ExampleGen runs again when the data changed.

    TFX's own driver would glob patterns and hash modification times.
    """

    def resolve_exec_properties(
        self,
        exec_properties: dict[str, Any],
        pipeline_info: data_types.PipelineInfo,
        component_info: data_types.ComponentInfo,
    ) -> dict[str, Any]:
        """Adds fingerprint, span and version to the execution's properties.

        Raises:
            DataError: The data set is not there or cannot be used.
        """
        del pipeline_info, component_info
        source = source_of_execution(exec_properties)
        exec_properties[example_gen_utils.FINGERPRINT_PROPERTY_NAME] = source.fingerprint()
        exec_properties[example_gen_utils.SPAN_PROPERTY_NAME] = 0
        exec_properties[example_gen_utils.VERSION_PROPERTY_NAME] = None
        return exec_properties


class DatasetExampleGen(FileBasedExampleGen):
    """Reads a data set in its official layout and splits into TFRecords."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(DatasetExecutor)
    DRIVER_CLASS = DatasetDriver

    def __init__(
        self, data_root: str, source: type[RecordSource], settings: Mapping[str, Any]
    ) -> None:
        """Builds the component.

        Args:
            data_root: The data set, local or `gs://…`.
            source: How it is read.
            settings: What `source.from_settings` takes; plain data.

        Raises:
            ConfigError: A setting cannot be used.
        """
        source.from_settings(data_root, settings)
        splits = [example_gen_pb2.Input.Split(name=name, pattern="*") for name in source.SPLITS]
        super().__init__(input_base=data_root, input_config=example_gen_pb2.Input(splits=splits))
        # An execution property of the component itself: it enters the cache key and the lineage.
        self.exec_properties[RECORD_SOURCE_KEY] = json.dumps(
            {
                "module": source.__module__,
                "class": source.__qualname__,
                "settings": dict(settings),
            },
            sort_keys=True,
        )
