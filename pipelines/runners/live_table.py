"""The live table of a run's nodes; on anything but a terminal, a line for each change."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipelines.runners.node_status import NodeStatus

STYLES = {
    "waiting": "dim",
    "running": "bold cyan",
    "executed": "green",
    "cached": "blue",
    "resolved": "blue",
    "failed": "bold red",
    "preempted": "yellow",
    "done": "green",
    "canceled": "yellow",
    "skipped": "dim",
}
PLAIN_PROGRESS_SECONDS = 10.0


class LiveTable:
    """Shows the nodes of a run while it goes on; call it with the nodes' states.

    Drawn from the runner's own loop: a drawing thread would not survive the forks.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._shown: dict[str, str] = {}
        self._last_progress = time.monotonic()

    def __enter__(self) -> LiveTable:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, nodes: Mapping[str, NodeStatus]) -> None:
        """Shows the nodes as they are now."""
        if self._live:
            self._live.update(node_table(nodes), refresh=True)
        else:
            self._print_changes(nodes)

    def _print_changes(self, nodes: Mapping[str, NodeStatus]) -> None:
        due = time.monotonic() - self._last_progress > PLAIN_PROGRESS_SECONDS
        for node in nodes.values():
            changed = node.state != self._shown.get(node.node_id, "waiting")
            progressing = due and node.state == "running" and node.progress
            if changed or progressing:
                self._shown[node.node_id] = node.state
                self._last_progress = time.monotonic()
                line = f"{node.node_id:<17} {node.state:<10} {_seconds(node):>8}  {describe(node)}"
                self._console.print(Text(line.rstrip(), style=STYLES[node.state]))


def node_table(nodes: Mapping[str, NodeStatus]) -> Table:
    """One row a node: state, time, and progress or error."""
    table = Table(box=None, pad_edge=False)
    for title in ("node", "state", "time", ""):
        table.add_column(title, justify="right" if title == "time" else "left")
    for node in nodes.values():
        style = STYLES[node.state]
        table.add_row(
            node.node_id, Text(node.state, style), _seconds(node), Text(describe(node), "dim")
        )
    return table


def describe(node: NodeStatus) -> str:
    """A node's progress in words: `step 120/500 · psnr 27.4 · 0:41 left`."""
    if node.state == "failed":
        return node.error.splitlines()[0]
    progress: dict[str, Any] = dict(node.progress)
    parts = []
    if "step" in progress and "total" in progress:
        parts.append(f"step {progress.pop('step')}/{progress.pop('total')}")
    eta = progress.pop("eta_seconds", None)
    speed = progress.pop("steps_per_second", None)
    if progress.pop("phase", None) == "compile":
        parts.append("compiling the first step")
    # The terms of the loss stand in TensorBoard; a line has room for their sum.
    shown = {name: value for name, value in progress.items() if not name.endswith("_loss")}
    parts += [f"{name} {_number(value)}" for name, value in shown.items()]
    if speed is not None:
        parts.append(f"{speed:.3g} steps/s")
    if eta is not None and node.state == "running":
        parts.append(f"{int(eta) // 60}:{int(eta) % 60:02d} left")
    return " · ".join(parts)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _seconds(node: NodeStatus) -> str:
    return f"{node.seconds:.1f} s" if node.started is not None else ""
