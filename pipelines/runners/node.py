"""Runs one node of a compiled pipeline through TFX's own Launcher; both runners use it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from components.errors import RunError
from pipelines.runners.artifact_contents import PUSHED_DESTINATION, record_contents
from pipelines.runners.patient_metadata import PatientMetadata
from pipelines.runners.resolver_errors import resolver_errors

# TFX's name for the runtime parameter every compiled pipeline has.
RUN_ID_PARAMETER = "pipeline-run-id"

NodeState = Literal["executed", "cached", "resolved"]


@dataclass(frozen=True)
class NodeOutcome:
    """What running a node came to.

    Attributes:
        node_id: The node.
        state: `executed`, `cached` (TFX reused an earlier execution's outputs) or `resolved`.
        execution_id: Its execution in ML Metadata.
        outputs: Output key -> the artifacts' ids and URIs.
    """

    node_id: str
    state: NodeState
    execution_id: int
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def bind_run(
    pipeline_ir: pipeline_pb2.Pipeline, run_id: str, facts: Mapping[str, str]
) -> pipeline_pb2.Pipeline:
    """A copy of the compiled pipeline for one run.

    Args:
        pipeline_ir: The compiled pipeline.
        run_id: Takes the place of the pipeline's run id parameter.
        facts: What ML Metadata shall know of the run (git commit, preset, …); they become custom
            properties of its `pipeline_run` context.
    """
    bound = copy.deepcopy(pipeline_ir)
    runtime_parameter_utils.substitute_runtime_parameter(bound, {RUN_ID_PARAMETER: run_id})
    for node in bound.nodes:
        for context in node.pipeline_node.contexts.contexts:
            if context.type.name == "pipeline_run":
                for key, value in facts.items():
                    context.properties[key].field_value.string_value = value
    return bound


def open_metadata(pipeline_ir: pipeline_pb2.Pipeline) -> PatientMetadata:
    """The ML Metadata store that the compiled pipeline names."""
    deployment = runner_utils.extract_local_deployment_config(pipeline_ir)
    connection = deployment.metadata_connection_config
    return PatientMetadata(getattr(connection, connection.WhichOneof("connection_config")))


def run_node(pipeline_ir: pipeline_pb2.Pipeline, node_id: str) -> NodeOutcome:
    """Runs one node of a pipeline bound to a run, or finds it in the cache.

    Args:
        pipeline_ir: The compiled pipeline, from `bind_run`.
        node_id: The node to run; what it depends on must have finished.

    Raises:
        RunError: If the node's inputs are not there.
        Exception: Whatever the node's executor or resolver raises.
    """
    node = find_node(pipeline_ir, node_id)
    deployment = runner_utils.extract_local_deployment_config(pipeline_ir)
    with resolver_errors() as logged:
        execution_info = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=open_metadata(pipeline_ir),
            pipeline_info=pipeline_ir.pipeline_info,
            pipeline_runtime_spec=pipeline_ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
        ).launch()
    if execution_info is None or not execution_info.execution_id:
        raise RunError(
            f"{node_id} could not start",
            expected="the outputs of the nodes before it",
            fix="look at the first failed node of the run",
        )
    with open_metadata(pipeline_ir) as handle:
        try:
            return read_outcome(handle.store, node_id, execution_info.execution_id)
        except RunError as error:
            if logged:
                raise logged[0] from error
            raise


def find_node(pipeline_ir: pipeline_pb2.Pipeline, node_id: str) -> pipeline_pb2.PipelineNode:
    """The node of that name.

    Raises:
        RunError: If the pipeline has none.
    """
    nodes = {node.pipeline_node.node_info.id: node.pipeline_node for node in pipeline_ir.nodes}
    if node_id not in nodes:
        raise RunError("no such node", found=node_id, expected=" | ".join(nodes))
    return nodes[node_id]


def read_outcome(store: Any, node_id: str, execution_id: int) -> NodeOutcome:
    """What an execution came to, as the store tells it.

    Raises:
        RunError: If it did not end well.
    """
    [execution] = store.get_executions_by_id([execution_id])
    state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
    if state not in ("COMPLETE", "CACHED"):
        raise RunError(
            f"{node_id} did not finish",
            found=f"its execution {execution_id} is {state}",
            expected="COMPLETE or CACHED",
            fix="look at the first failed node of the run",
        )
    [execution_type] = store.get_execution_types_by_id([execution.type_id])
    resolved = execution_type.name == "tfx.dsl.components.common.resolver.Resolver"
    events = [
        event
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type == metadata_store_pb2.Event.OUTPUT
    ]
    artifacts = {a.id: a for a in store.get_artifacts_by_id([e.artifact_id for e in events])}
    outputs: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        artifact = artifacts[event.artifact_id]
        described = {"id": artifact.id, "uri": artifact.uri}
        if PUSHED_DESTINATION in artifact.custom_properties:
            pushed = artifact.custom_properties[PUSHED_DESTINATION].string_value
            described[PUSHED_DESTINATION] = pushed
        outputs.setdefault(event.path.steps[0].key, []).append(described)
    if state == "COMPLETE" and not resolved:
        record_contents(store, list(artifacts.values()))
    outcome: NodeState = "resolved" if resolved else "cached" if state == "CACHED" else "executed"
    return NodeOutcome(node_id, outcome, execution_id, outputs)
