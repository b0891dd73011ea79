"""TFX's Evaluator, which also checks that no record and no slice was left out."""

from __future__ import annotations

import json
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator.component import Evaluator
from tfx.components.evaluator.executor import Executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.errors import DataError
from components.evaluators.benchmark_metrics import RECORDS_EVALUATED
from components.evaluators.slices import check_slices
from components.evaluators.verdict import read_verdict
from components.example_gens.split_files import expected_records


class CountedEvaluatorExecutor(Executor):
    """Evaluates as TFX does; a score over part of the records is an error, not a score."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises DataError if records were lost on the way into the metrics, or slices."""
        super().Do(input_dict, output_dict, exec_properties)
        evaluation, blessing, examples = (
            artifact_utils.get_single_uri(artifacts[key])
            for artifacts, key in (
                (output_dict, standard_component_specs.EVALUATION_KEY),
                (output_dict, standard_component_specs.BLESSING_KEY),
                (input_dict, standard_component_specs.EXAMPLES_KEY),
            )
        )
        splits = json.loads(exec_properties[standard_component_specs.EXAMPLE_SPLITS_KEY])
        expected = sum(expected_records(examples, split) for split in splits)
        found = read_verdict(evaluation, blessing).metrics[RECORDS_EVALUATED]
        if found != expected:
            raise DataError(
                "the Evaluator scored another number of records than ExampleGen wrote",
                found=f"{found:.0f} records",
                expected=f"{expected} records of the splits {', '.join(splits)}",
                fix="run again; with Beam's multi_processing mode, use in_memory instead",
            )
        eval_config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.EVAL_CONFIG_KEY], eval_config
        )
        check_slices(evaluation, eval_config)


class CountedEvaluator(Evaluator):
    """TFX's Evaluator with the counting executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(CountedEvaluatorExecutor)
