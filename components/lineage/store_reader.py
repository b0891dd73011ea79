"""Reads ML Metadata's records as TFX writes them, and gives plain data.

TFX links every execution to three contexts: `pipeline` (its name), `pipeline_run` (the run id) and
`node` (`<pipeline>.<node>`). Events link executions and artifacts; their path is a key and an
index.
A node served from the cache gets an execution of its own in the state CACHED, with output events to
the artifacts of the execution that did the work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from components.lineage.graph import (
    FINISHED_STATES,
    Artifact,
    Edge,
    Execution,
    LineageGraph,
    Producer,
    is_resolver,
)

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

PIPELINE_CONTEXT = "pipeline"
RUN_CONTEXT = "pipeline_run"
NODE_CONTEXT = "node"

_OUTPUT_EVENTS = ("OUTPUT", "DECLARED_OUTPUT", "INTERNAL_OUTPUT")
_INPUT_EVENTS = ("INPUT", "DECLARED_INPUT", "INTERNAL_INPUT")
#: A resolver "puts out" what it found (INTERNAL_OUTPUT), which is no work of its own.
_PRODUCING_EVENTS = ("OUTPUT", "DECLARED_OUTPUT")


def read_graph(store: MetadataStore, run_context_id: int) -> LineageGraph:
    """Returns everything that one run did.

    Args:
        store: An open store.
        run_context_id: The id of the run's `pipeline_run` context.
    """
    protos = sorted(
        store.get_executions_by_context(run_context_id),
        key=lambda proto: (proto.create_time_since_epoch, proto.id),
    )
    executions = tuple(_execution(store, proto) for proto in protos)
    events = store.get_events_by_execution_ids([one.id for one in protos]) if protos else []
    edges = _without_echoes(executions, [edge for event in events for edge in _edges(event)])
    artifact_ids = sorted({edge.artifact_id for edge in edges})
    return LineageGraph(executions, read_artifacts(store, artifact_ids), edges)


def read_artifacts(store: MetadataStore, artifact_ids: Iterable[int]) -> dict[int, Artifact]:
    """Returns artifacts with their true producers, by id."""
    ids = list(artifact_ids)
    if not ids:
        return {}
    producers = _producers(store, ids)
    return {
        proto.id: Artifact(
            artifact_id=proto.id,
            type_name=proto.type,
            uri=proto.uri,
            name=proto.name,
            created_ms=proto.create_time_since_epoch or None,
            properties=_values(proto.properties),
            custom_properties=_values(proto.custom_properties),
            producer=producers.get(proto.id),
        )
        for proto in store.get_artifacts_by_id(ids)
    }


def context_values(context: metadata_store_pb2.Context) -> dict[str, Any]:
    """Returns a context's properties, free-form ones first."""
    return {**_values(context.properties), **_values(context.custom_properties)}


def context_name(store: MetadataStore, execution_id: int, type_name: str) -> str:
    """Returns the name of an execution's pipeline, run or node; empty if it has none."""
    for context in store.get_contexts_by_execution(execution_id):
        if context.type == type_name:
            return str(context.name)
    return ""


def state_name(execution: metadata_store_pb2.Execution) -> str:
    """Returns the name of an execution's last known state."""
    name: str = type(execution).State.Name(execution.last_known_state)
    return name


def _execution(store: MetadataStore, proto: metadata_store_pb2.Execution) -> Execution:
    state = state_name(proto)
    return Execution(
        execution_id=proto.id,
        node_id=_node_id(store, proto),
        type_name=proto.type,
        state=state,
        started_ms=proto.create_time_since_epoch or None,
        ended_ms=proto.last_update_time_since_epoch if state in FINISHED_STATES else None,
        properties={**_values(proto.properties), **_values(proto.custom_properties)},
    )


def _node_id(store: MetadataStore, proto: metadata_store_pb2.Execution) -> str:
    names = {one.type: one.name for one in store.get_contexts_by_execution(proto.id)}
    node = names.get(NODE_CONTEXT, "")
    return node.removeprefix(f"{names.get(PIPELINE_CONTEXT, '')}.") or proto.type.rpartition(".")[2]


def _producers(store: MetadataStore, artifact_ids: list[int]) -> dict[int, Producer]:
    """Returns artifact id -> the execution that wrote it, cached reuse left out."""
    candidates: dict[int, list[int]] = {}
    for event in store.get_events_by_artifact_ids(artifact_ids):
        if type(event).Type.Name(event.type) in _PRODUCING_EVENTS:
            candidates.setdefault(event.artifact_id, []).append(event.execution_id)
    execution_ids = {one for ids in candidates.values() for one in ids}
    if not execution_ids:
        return {}
    workers = {
        proto.id: proto
        for proto in store.get_executions_by_id(sorted(execution_ids))
        if state_name(proto) != "CACHED"
    }
    return {
        artifact_id: _producer(store, workers[min(worked)])
        for artifact_id, ids in candidates.items()
        if (worked := [one for one in ids if one in workers])
    }


def _producer(store: MetadataStore, proto: metadata_store_pb2.Execution) -> Producer:
    execution = _execution(store, proto)
    return Producer(
        execution_id=proto.id,
        node_id=execution.node_id,
        run_id=context_name(store, proto.id, RUN_CONTEXT),
        seconds=execution.seconds,
    )


def _edges(event: metadata_store_pb2.Event) -> list[Edge]:
    """The event's edges: one, or several where an artifact goes by several keys."""
    name = type(event).Type.Name(event.type)
    direction: Literal["input", "output"]
    if name in _OUTPUT_EVENTS:
        direction = "output"
    elif name in _INPUT_EVENTS:
        direction = "input"
    else:
        return []
    steps = list(event.path.steps)
    pairs = [(key.key, index.index) for key, index in zip(steps[::2], steps[1::2], strict=False)]
    return [
        Edge(event.execution_id, event.artifact_id, direction, key, index)
        for key, index in pairs or [("", 0)]
    ]


def _without_echoes(executions: tuple[Execution, ...], edges: list[Edge]) -> tuple[Edge, ...]:
    """Turns what a resolver was given by its own run into its inputs.

    TFX records all that a resolver was asked with as its output, also the artifacts of the run
    itself that it merely passes on.
    """
    resolvers = {one.execution_id for one in executions if is_resolver(one)}
    own = {
        edge.artifact_id
        for edge in edges
        if edge.direction == "output" and edge.execution_id not in resolvers
    }
    return tuple(
        dataclasses.replace(edge, direction="input")
        if edge.execution_id in resolvers and edge.artifact_id in own
        else edge
        for edge in edges
    )


def _values(properties: Mapping[str, metadata_store_pb2.Value]) -> dict[str, Any]:
    return {name: _value(value) for name, value in properties.items() if not name.startswith("__")}


def _value(value: metadata_store_pb2.Value) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "struct_value":
        from google.protobuf import json_format

        return json_format.MessageToDict(value.struct_value)
    if kind == "proto_value":
        return value.proto_value.type_url
    return getattr(value, kind)
