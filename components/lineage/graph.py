"""What ran, what it read and what it made: ML Metadata's records as plain data.

Nothing here imports ML Metadata, so that text, JSON and pictures can be made and tested without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

#: States of an execution in ML Metadata, and PENDING for a node that has none yet.
STATES = ("PENDING", "NEW", "RUNNING", "COMPLETE", "CACHED", "FAILED", "CANCELED", "UNKNOWN")

FINISHED_STATES = ("COMPLETE", "CACHED", "FAILED", "CANCELED")


@dataclass(frozen=True)
class Producer:
    """The execution that really wrote an artifact, whoever reused it since.

    Attributes:
        seconds: How long that execution took; None if ML Metadata does not tell.
    """

    execution_id: int
    node_id: str
    run_id: str
    seconds: float | None = None


@dataclass(frozen=True)
class Artifact:
    """Something a node wrote.

    Attributes:
        properties: The values that the artifact's type declares.
        custom_properties: The free-form ones.
        producer: None for an artifact that nothing in the store has written.
    """

    artifact_id: int
    type_name: str
    uri: str
    name: str = ""
    created_ms: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    custom_properties: Mapping[str, Any] = field(default_factory=dict)
    producer: Producer | None = None

    def value(self, name: str, default: Any = None) -> Any:
        """Returns a custom property, else a declared one, else `default`."""
        return self.custom_properties.get(name, self.properties.get(name, default))


@dataclass(frozen=True)
class Execution:
    """One node of one run.

    Attributes:
        execution_id: ML Metadata's; None for a node that has not started.
        state: One of `STATES`.
        started_ms: Milliseconds since 1970.
        ended_ms: The same; None while it is not finished.
        properties: Execution properties, declared and free-form ones together.
    """

    execution_id: int | None
    node_id: str
    type_name: str = ""
    state: str = "PENDING"
    started_ms: int | None = None
    ended_ms: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Time from registration to the end; None while it has not finished."""
        if self.started_ms is None or self.ended_ms is None:
            return None
        return max(0, self.ended_ms - self.started_ms) / 1000


@dataclass(frozen=True)
class Edge:
    """An execution read (`input`) or wrote or passed on (`output`) an artifact under a key."""

    execution_id: int
    artifact_id: int
    direction: Literal["input", "output"]
    key: str
    index: int = 0


@dataclass(frozen=True)
class LineageGraph:
    """The executions of one run, in the order they started, and every artifact they touched."""

    executions: tuple[Execution, ...] = ()
    artifacts: Mapping[int, Artifact] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()

    def execution(self, node_id: str) -> Execution | None:
        """Returns the node's last execution; None if it has none."""
        found = [one for one in self.executions if one.node_id == node_id]
        return found[-1] if found else None

    def outputs(self, execution: Execution, key: str | None = None) -> list[Artifact]:
        """Returns what an execution wrote, or what its cached twin had written."""
        return self._ends(execution, "output", key)

    def inputs(self, execution: Execution, key: str | None = None) -> list[Artifact]:
        """Returns what an execution read."""
        return self._ends(execution, "input", key)

    def _ends(self, execution: Execution, direction: str, key: str | None) -> list[Artifact]:
        edges = [
            edge
            for edge in self.edges
            if edge.execution_id == execution.execution_id
            and edge.direction == direction
            and key in (None, edge.key)
        ]
        edges.sort(key=lambda edge: (edge.key, edge.index))
        return [self.artifacts[edge.artifact_id] for edge in edges]

    def produced(self, type_name: str) -> list[Artifact]:
        """Returns the artifacts of a type that this run's nodes put out, oldest first.

        What a resolver passes on is left out: it was another run's.
        """
        resolvers = {one.execution_id for one in self.executions if is_resolver(one)}
        found = {
            edge.artifact_id
            for edge in self.edges
            if edge.direction == "output"
            and edge.execution_id not in resolvers
            and self.artifacts[edge.artifact_id].type_name == type_name
        }
        return [self.artifacts[one] for one in sorted(found)]

    def with_pending(self, node_ids: Sequence[str]) -> LineageGraph:
        """Returns the graph with the nodes that have not started yet."""
        known = {one.node_id for one in self.executions}
        pending = tuple(Execution(None, name) for name in node_ids if name not in known)
        return dataclasses.replace(self, executions=self.executions + pending)


def is_resolver_type(type_name: str) -> bool:
    """Whether a node type only looks up artifacts of earlier runs."""
    return type_name.rpartition(".")[2].endswith("Resolver")


def is_resolver(execution: Execution) -> bool:
    """Whether an execution only looked up artifacts of earlier runs."""
    return is_resolver_type(execution.type_name)


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs.

    Attributes:
        state: FAILED or CANCELED if a node is, RUNNING while one is, CACHED if no node had to work,
            else COMPLETE.
        states: How many nodes are in each state.
    """

    run_id: str
    pipeline: str
    state: str
    started_ms: int | None
    ended_ms: int | None
    states: Mapping[str, int]


@dataclass(frozen=True)
class DataFacts:
    """The data that a run read.

    Attributes:
        fingerprint: ExampleGen's digest over the files.
        counts: Records per split.
        rejected: Rejected records per reason.
        conversions: Records that were changed on the way in, per kind of change.
    """

    uri: str = ""
    fingerprint: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    conversions: Mapping[str, int] = field(default_factory=dict)
    artifact_id: int | None = None

    @property
    def num_rejected(self) -> int:
        """Records that were rejected for whatever reason."""
        return sum(self.rejected.values())


@dataclass(frozen=True)
class VerdictFacts:
    """Whether the model was good enough, and why.

    Attributes:
        blessed: None as long as there is no decision.
        metrics: metric -> the model's value.
        baseline_metrics: The same of the model it was compared with.
    """

    blessed: bool | None = None
    reasons: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    baseline_metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelReference:
    """A model by the run that trained it.

    Attributes:
        pushed_to: The directory a serving system reads it from; empty if it was not pushed.
        version: The pushed version.
    """

    artifact_id: int
    uri: str
    run_id: str = ""
    pushed_to: str = ""
    version: str = ""


@dataclass(frozen=True)
class ParentRun:
    """An earlier run that nodes of this one were served from."""

    run_id: str
    nodes: tuple[str, ...]
    git_commit: str = ""


@dataclass(frozen=True)
class RunLineage:
    """Everything that made a run's model.

    Attributes:
        subject: What was asked for: the run id, or the directory of a model.
        config: The resolved configuration.
        code_digests: node -> digest over the sources of the modules it uses.
        parents: Runs whose results this one reused.
        baseline: The model that this one was compared with.
    """

    subject: str
    run_id: str
    pipeline: str
    state: str
    started_ms: int | None
    ended_ms: int | None
    graph: LineageGraph
    data: DataFacts = field(default_factory=DataFacts)
    config: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""
    preset: str = ""
    git_commit: str = ""
    code_digests: Mapping[str, str] = field(default_factory=dict)
    verdict: VerdictFacts = field(default_factory=VerdictFacts)
    model: ModelReference | None = None
    baseline: ModelReference | None = None
    parents: tuple[ParentRun, ...] = ()
