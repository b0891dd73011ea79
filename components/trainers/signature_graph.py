"""Walks the graph of an exported signature, to show what it would execute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from components.errors import TrainingError

_RANDOM_WORDS = ("Random", "Multinomial", "StatelessTruncatedNormal", "SampleDistortedBoundingBox")


def random_ops_in(saved_model_dir: str, signature: str) -> list[str]:
    """The random operations that a signature executes, inside loops and nested functions too.

    Args:
        saved_model_dir: A SavedModel.
        signature: Name of the signature, for example `evaluate`.

    Returns:
        `<function or graph>/<node> (<operation>)`, sorted; empty when the signature is
        deterministic.

    Raises:
        TrainingError: There is no such signature.
    """
    return sorted(
        f"{place}/{node.name} ({node.op})"
        for place, node in nodes_of_signature(saved_model_dir, signature)
        if any(word in node.op for word in _RANDOM_WORDS)
    )


def parsed_features_in(saved_model_dir: str, signature: str) -> set[str]:
    """Names of the features that a signature parses out of serialized records.

    Raises:
        TrainingError: There is no such signature.
    """
    found: set[str] = set()
    for _, node in nodes_of_signature(saved_model_dir, signature):
        if node.op == "Const" and node.attr["dtype"].type == tf.string.as_datatype_enum:
            values = tf.make_ndarray(node.attr["value"].tensor).ravel()
            found.update(value.decode(errors="replace") for value in values)
    return found


def nodes_of_signature(saved_model_dir: str, signature: str) -> Iterator[tuple[str, Any]]:
    """Every node a signature executes, as (function's name or `graph`, NodeDef).

    Raises:
        TrainingError: There is no such signature.
    """
    meta_graph = _meta_graph(saved_model_dir)
    if signature not in meta_graph.signature_def:
        raise TrainingError(
            f"the SavedModel {saved_model_dir} has no signature `{signature}`",
            found=", ".join(sorted(meta_graph.signature_def)),
            expected=signature,
            fix="export it with Papergarden's trainer",
        )
    library = {one.signature.name: one for one in meta_graph.graph_def.library.function}
    outputs = meta_graph.signature_def[signature].outputs.values()
    waiting = []
    for node in _behind(meta_graph.graph_def, [output.name for output in outputs]):
        yield "graph", node
        waiting += _called_by(node)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        for node in library[name].node_def:
            yield name, node
            waiting += _called_by(node)


def _meta_graph(saved_model_dir: str) -> Any:
    saved_model = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(str(Path(saved_model_dir) / "saved_model.pb"), "rb") as file:
        saved_model.ParseFromString(file.read())
    return saved_model.meta_graphs[0]


def _behind(graph_def: Any, tensor_names: list[str]) -> list[Any]:
    """The graph's nodes that the tensors depend on."""
    nodes = {node.name: node for node in graph_def.node}
    waiting = [_node_name(name) for name in tensor_names]
    found: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = nodes[name]
            waiting += [_node_name(one) for one in nodes[name].input]
    return list(found.values())


def _node_name(tensor_name: str) -> str:
    return tensor_name.removeprefix("^").split(":")[0]


def _called_by(node: Any) -> list[str]:
    """Names of the functions that a node calls: branches, loop bodies, partitioned calls."""
    names: list[str] = []
    for value in node.attr.values():
        if value.HasField("func"):
            names.append(value.func.name)
        names += [function.name for function in value.list.func]
    return names
