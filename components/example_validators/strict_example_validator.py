"""An ExampleValidator that stops the run when the data do not fit the curated schema."""

from __future__ import annotations

import os
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME, Executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.errors import DataError


class StrictExampleValidatorExecutor(Executor):
    """Validates as TFX does, then refuses anomalies instead of only writing them down."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Raises DataError that names every feature out of line, else returns TFX's result."""
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = output_dict[standard_component_specs.ANOMALIES_KEY][0]
        found = []
        for split in artifact_utils.decode_split_names(artifact.split_names):
            path = os.path.join(artifact_utils.get_split_uri([artifact], split), DEFAULT_FILE_NAME)
            with fileio.open(path, "rb") as file:
                anomalies = anomalies_pb2.Anomalies.FromString(file.read())
            found += [
                f"{split}/{name}: {info.description}"
                for name, info in anomalies.anomaly_info.items()
            ]
        if found:
            raise DataError(
                "the data do not fit the curated schema",
                found="; ".join(sorted(found)),
                expected="no anomalies",
                fix="correct the data set, or the schema in schemas/ if the data are right",
            )
        return result


class StrictExampleValidator(ExampleValidator):
    """TFX's ExampleValidator with the strict executor."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(StrictExampleValidatorExecutor)
