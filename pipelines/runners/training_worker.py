"""A Trainer that is run by several workers, of which one is the node and the others help it.

The one that leads runs the node as any other is run. The others take the inputs from its execution,
train with it, write nothing, and end as the execution does. A task that is none of them, because
Kubeflow Pipelines started it and not a training job, waits for the job's execution.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import data_types_utils
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import data_types, inputs_utils, python_executor_operator
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import artifact_utils
from tfx.utils import typing_utils

from components.errors import RunError
from pipelines.runners.node import find_node, open_metadata
from pipelines.runners.resumed_node import executions_of_run

SECONDS_BETWEEN_LOOKS = 5.0
# The one that leads has only to record what it made when the others have ended.
END_SECONDS = 600.0

State = metadata_store_pb2.Execution.State
_FINISHED = (State.COMPLETE, State.CACHED)

Say = Callable[[str], None]


def help_training(pipeline_ir: pipeline_pb2.Pipeline, node_id: str, say: Say) -> int:
    """Trains with the worker that leads.

    Args:
        pipeline_ir: The compiled pipeline, bound to the run.
        node_id: The Trainer.
        say: Takes a line of news.

    Returns:
        The execution, which has ended well.

    Raises:
        RunError: It has not, though training has.
        PapergardenError: Whatever training raises.
    """
    execution = _await_execution(pipeline_ir, node_id, say, (State.RUNNING, *_FINISHED))
    if execution.last_known_state in _FINISHED:
        return int(execution.id)
    _train(pipeline_ir, node_id, execution.id)
    execution = _await_execution(pipeline_ir, node_id, say, _FINISHED, END_SECONDS)
    return int(execution.id)


def await_training_job(pipeline_ir: pipeline_pb2.Pipeline, node_id: str, say: Say) -> int:
    """Waits until a training job has run the node; gives its execution."""
    return int(_await_execution(pipeline_ir, node_id, say, _FINISHED).id)


def _await_execution(
    pipeline_ir: pipeline_pb2.Pipeline,
    node_id: str,
    say: Say,
    states: Collection[int],
    at_most_seconds: float = float("inf"),
) -> metadata_store_pb2.Execution:
    """The run's execution of the node, once it is in one of the states."""
    node = find_node(pipeline_ir, node_id)
    deadline = time.monotonic() + at_most_seconds
    wanted = " or ".join(State.Name(state) for state in states)
    last_seen = ""
    while True:
        with open_metadata(pipeline_ir) as handle:
            executions = executions_of_run(handle, node)
        for execution in executions:
            if execution.last_known_state in states:
                return execution
        seen = ", ".join(State.Name(one.last_known_state) for one in executions) or "not begun"
        if time.monotonic() > deadline:
            raise RunError(
                f"{node_id} did not end with its training",
                found=f"its execution is {seen}",
                expected=wanted,
                fix="look at the log of the worker that leads",
            )
        if seen != last_seen:
            say(f"waiting   for {node_id} to be {wanted}; it is {seen}")
            last_seen = seen
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _train(pipeline_ir: pipeline_pb2.Pipeline, node_id: str, execution_id: int) -> None:
    """Runs the node's executor on the execution's inputs; its outputs are thrown away."""
    node = find_node(pipeline_ir, node_id)
    with open_metadata(pipeline_ir) as handle:
        inputs = execution_lib.get_input_artifacts(handle, execution_id)
    deployment = runner_utils.extract_local_deployment_config(pipeline_ir)
    executor = python_executor_operator.PythonExecutorOperator(
        runner_utils.extract_executor_spec(deployment, node_id)
    )
    with tempfile.TemporaryDirectory(prefix="papergarden-worker-") as folder:
        executor.run_executor(
            data_types.ExecutionInfo(
                execution_id=execution_id,
                input_dict={key: list(artifacts) for key, artifacts in inputs.items()},
                output_dict=_unwanted_outputs(node, Path(folder)),
                exec_properties=data_types_utils.build_parsed_value_dict(
                    inputs_utils.resolve_parameters_with_schema(node.parameters)
                ),
                execution_output_uri=f"{folder}/executor_output.pb",
                stateful_working_dir=f"{folder}/state",
                tmp_dir=f"{folder}/tmp",
                pipeline_node=node,
                pipeline_info=pipeline_ir.pipeline_info,
                pipeline_run_id=pipeline_ir.runtime_spec.pipeline_run_id.field_value.string_value,
            )
        )


def _unwanted_outputs(
    node: pipeline_pb2.PipelineNode, folder: Path
) -> typing_utils.ArtifactMutableMultiDict:
    outputs = {}
    for key, spec in node.outputs.outputs.items():
        artifact = artifact_utils.deserialize_artifact(spec.artifact_spec.type)
        artifact.uri = str(folder / key)
        Path(artifact.uri).mkdir()
        outputs[key] = [artifact]
    return outputs
