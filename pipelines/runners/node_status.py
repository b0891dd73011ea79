"""A node of a running pipeline, as the runner keeps it and the live table shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal[
    "waiting",
    "running",
    "executed",
    "cached",
    "resolved",
    "failed",
    "preempted",
    # A cluster does not tell whether a task that is done executed or found its outputs cached.
    "done",
    "canceled",
    "skipped",
]
FINISHED: frozenset[State] = frozenset({"executed", "cached", "resolved"})


@dataclass
class NodeStatus:
    """A node's state.

    Attributes:
        node_id: The node.
        upstream: The nodes it waits for.
        log_path: Where its output goes.
        state: How far it is.
        started: When it began, by the runner's clock.
        seconds: Its wall time so far.
        progress: What it last told of its progress.
        outcome: Its `NodeOutcome` as plain data, once it has finished.
        error: What made it fail.
    """

    node_id: str
    upstream: tuple[str, ...]
    log_path: Path
    state: State = "waiting"
    started: float | None = None
    seconds: float = 0.0
    progress: dict[str, Any] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)
    error: str = ""


Observer = Callable[[Mapping[str, NodeStatus]], None]
