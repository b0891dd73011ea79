"""What a user sees of the nodes while they run."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from pipelines.runners.live_table import LiveTable, describe, node_table
from pipelines.runners.node_status import NodeStatus


def status(state: str, **values: object) -> NodeStatus:
    node = NodeStatus("Trainer", ("Transform",), Path("Trainer.log"), state=state, started=0.0)  # type: ignore[arg-type]
    for name, value in values.items():
        setattr(node, name, value)
    return node


def test_training_shows_step_curve_and_time_left() -> None:
    progress = {"step": 120, "total": 500, "eta_seconds": 101.0, "psnr": 27.4321}
    assert describe(status("running", progress=progress)) == "step 120/500 · psnr 27.43 · 1:41 left"


def test_a_failed_node_shows_the_first_line_of_its_error() -> None:
    assert describe(status("failed", error="no such file\n  found: x")) == "no such file"


def test_without_a_terminal_only_changes_are_printed() -> None:
    text = io.StringIO()
    table = LiveTable(Console(file=text, width=100))
    with table:
        for state in ("waiting", "running", "running", "executed"):
            table({"Trainer": status(state, seconds=2.0)})
    lines = [line.split() for line in text.getvalue().splitlines()]
    assert [line[:2] for line in lines] == [["Trainer", "running"], ["Trainer", "executed"]]


def test_the_table_has_a_row_for_each_node() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(node_table({"Trainer": status("cached", seconds=0.31)}))
    assert "Trainer  cached  0.3 s" in console.file.getvalue()  # type: ignore[attr-defined]
