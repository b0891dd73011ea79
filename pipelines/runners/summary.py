"""The closing lines of a run."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.runners.live_table import STYLES
from pipelines.runners.run_outcome import RunOutcome

PATH_TITLES = {
    "page": "page",
    "pushed_model": "model",
    "report": "report",
    "tensorboard": "tensorboard",
    "logs": "logs",
}


def print_summary(outcome: RunOutcome, console: Console) -> None:
    """Prints verdict, metrics, places and the time per node."""
    console.print()
    # On a terminal the live table still stands above, with the same rows.
    if not console.is_terminal:
        console.print(_times(outcome))
        console.print()
    start, total = outcome.seconds["start"], outcome.seconds["total"]
    console.print(f"time      {total:.1f} s, of which {start:.1f} s before the first node")
    if outcome.from_cache:
        console.print("cache     nothing was executed: every node was served from the cache")
    if outcome.verdict is not None:
        word, style = ("BLESSED", "green") if outcome.verdict.blessed else ("NOT BLESSED", "red")
        console.print(Text(f"verdict   {word}", style=f"bold {style}"))
        for reason in outcome.verdict.reasons:
            console.print(Text(f"          {reason}"))
        metrics = ", ".join(f"{k} {_number(v)}" for k, v in sorted(outcome.verdict.metrics.items()))
        if metrics:
            console.print(Text(f"metrics   {metrics}"))
    for name, title in PATH_TITLES.items():
        if name in outcome.paths:
            # Whole paths on one line: they are copied.
            console.print(f"{title:<9} {outcome.paths[name]}", soft_wrap=True, markup=False)
    if outcome.metadata_uri is not None:
        console.print(f"lineage   papergarden lineage {outcome.run_id}", markup=False)


def _times(outcome: RunOutcome) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("node")
    table.add_column("state")
    table.add_column("time", justify="right")
    for name, node in outcome.nodes.items():
        table.add_row(name, Text(node.state, STYLES[node.state]), f"{node.seconds:.1f} s")
    return table


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else str(value)
