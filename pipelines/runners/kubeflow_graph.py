"""The nodes of a pipeline and what each waits for, read from TFX's own compiled form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.errors import ConfigError
from pipelines.configs.paper_config import resolve_config
from pipelines.registry import find_pipeline


@dataclass(frozen=True)
class NodeGraph:
    """A pipeline's nodes.

    Attributes:
        pipeline: The registered pipeline.
        title: What it is.
        upstream: Node -> the nodes it waits for; every node stands behind those.
    """

    pipeline: str
    title: str
    upstream: Mapping[str, tuple[str, ...]]

    @property
    def last(self) -> tuple[str, ...]:
        """The nodes that none waits for."""
        waited_for = {name for names in self.upstream.values() for name in names}
        return tuple(name for name in self.upstream if name not in waited_for)


def read_graph(pipeline: str) -> NodeGraph:
    """The graph of a registered pipeline; imports TFX.

    Raises:
        ConfigError: If there is no such pipeline, or its graph depends on the preset: a compiled
            pipeline runs with any.
    """
    entry = find_pipeline(pipeline)
    config_type = entry.load_config()
    first, *others = config_type.PRESETS
    upstream = _upstream(pipeline, first)
    for preset in others:
        if _upstream(pipeline, preset) != upstream:
            raise ConfigError(
                f"the nodes of {pipeline} depend on the preset",
                found=f"{preset} differs from {first}",
                expected="the same nodes and edges, whatever the configuration",
            )
    return NodeGraph(pipeline, entry.title, upstream)


def _upstream(pipeline: str, preset: str) -> dict[str, tuple[str, ...]]:
    from tfx.dsl.compiler.compiler import Compiler

    from pipelines.paper_pipeline import RunPlace

    entry = find_pipeline(pipeline)
    place = RunPlace(root="/root", metadata_uri="grpc://store", data_root="/data")
    compiled = Compiler().compile(
        entry.load_pipeline()(place, resolve_config(entry.load_config(), preset))
    )
    return {
        node.pipeline_node.node_info.id: tuple(node.pipeline_node.upstream_nodes)
        for node in compiled.nodes
    }
