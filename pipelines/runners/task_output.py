"""What a task of a cluster prints: Kubeflow's page shows it as the task's log."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.runners.child import PROGRESS_LOGGER
from pipelines.runners.live_table import PLAIN_PROGRESS_SECONDS, describe
from pipelines.runners.node_status import NodeStatus

if TYPE_CHECKING:
    from pipelines.runners.node import NodeOutcome

Say = Callable[[str], None]


def outcome_lines(node_outcome: NodeOutcome) -> list[str]:
    """State, execution and artifacts of a node that has ended."""
    lines = [
        f"node      {node_outcome.node_id}: {node_outcome.state}",
        f"execution {node_outcome.execution_id}",
    ]
    for key, artifacts in sorted(node_outcome.outputs.items()):
        for artifact in artifacts:
            lines.append(f"artifact  {artifact['id']} {key}: {artifact['uri']}")
            if destination := artifact.get("pushed_destination"):
                lines.append(f"pushed    {destination}")
    return lines


def verdict_lines(blessed: bool, reasons: Sequence[str], metrics: Mapping[str, float]) -> list[str]:
    """The verdict, its reasons and the metrics, as a local run closes."""
    numbers = (f"{name} {_number(value)}" for name, value in sorted(metrics.items()))
    return [
        f"verdict   {'BLESSED' if blessed else 'NOT BLESSED'}",
        *(f"          {reason}" for reason in reasons),
        f"metrics   {', '.join(numbers)}",
    ]


class ProgressLines(logging.Handler):
    """Says now and then how far a node is.

    Args:
        node_id: The node.
        say: Takes a line.
        every_seconds: Time between two of them.
    """

    def __init__(
        self, node_id: str, say: Say, every_seconds: float = PLAIN_PROGRESS_SECONDS
    ) -> None:
        super().__init__()
        self._node = NodeStatus(node_id, (), Path(), state="running")
        self._say = say
        self._every_seconds = every_seconds
        self._due = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Says what the record tells of progress, unless that was said just now."""
        progress = getattr(record, "progress", None)
        if progress and time.monotonic() >= self._due:
            self._due = time.monotonic() + self._every_seconds
            self._node.progress = progress
            self._say(f"progress  {describe(self._node)}")


def show_progress(node_id: str, say: Say) -> None:
    """Has this process's node say how far it is."""
    logger = logging.getLogger(PROGRESS_LOGGER)
    logger.addHandler(ProgressLines(node_id, say))
    # TFX has the root logger print every record a second time.
    logger.propagate = False
    logger.setLevel(logging.INFO)


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else str(value)
