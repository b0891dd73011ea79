"""A run's lineage as plain text and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from components.lineage.facts import format_number
from components.lineage.graph import Execution, LineageGraph, RunLineage, RunSummary

_DIGEST_LENGTH = 16


def as_text(lineage: RunLineage) -> str:
    """Returns the answer for a terminal: one fact a line, then one node a line."""
    blocks = [
        _block(f"Lineage of {lineage.subject}", _run_rows(lineage)),
        _block("Data", _data_rows(lineage)),
        _block("Configuration", sorted(flatten(lineage.config).items())),
        _block("Verdict", _verdict_rows(lineage)),
        _block("Reused from earlier runs", _parent_rows(lineage)),
        "\n".join(["Nodes", *_table(_node_table(lineage))]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def runs_as_text(runs: Sequence[RunSummary]) -> str:
    """Returns the list of runs for a terminal."""
    if not runs:
        return "No runs yet.\n"
    rows = [("run", "pipeline", "state", "started", "nodes")]
    for run in runs:
        nodes = ", ".join(f"{count} {state.lower()}" for state, count in sorted(run.states.items()))
        rows.append((run.run_id, run.pipeline, run.state.lower(), moment(run.started_ms), nodes))
    return "\n".join(_table(rows)) + "\n"


def as_data(lineage: RunLineage) -> dict[str, Any]:
    """Returns the answer as JSON-able values; numbers that are not finite become strings."""
    data = dataclasses.asdict(dataclasses.replace(lineage, graph=LineageGraph()))
    data["graph"] = {
        "executions": [
            {**dataclasses.asdict(one), "seconds": one.seconds} for one in lineage.graph.executions
        ],
        "artifacts": [dataclasses.asdict(one) for one in lineage.graph.artifacts.values()],
        "edges": [dataclasses.asdict(one) for one in lineage.graph.edges],
    }
    return dict(jsonable(data))


def as_json(lineage: RunLineage) -> str:
    """Returns the whole answer, the graph included, as strict JSON."""
    return json.dumps(as_data(lineage), indent=2, allow_nan=False) + "\n"


def jsonable(value: Any) -> Any:
    """Returns a value that strict JSON can hold; NaN and infinities are named in words."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return format_number(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Returns nested settings as dotted name -> text, the way `--set` takes them."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return flat


def moment(milliseconds: int | None) -> str:
    """Returns a time stamp as UTC, to the second; a dash if there is none."""
    if milliseconds is None:
        return "-"
    stamp = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    return stamp.strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float | None) -> str:
    """Returns a time span as people say it; a dash if there is none."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def original_seconds(graph: LineageGraph, execution: Execution) -> float | None:
    """Returns how long a cached node's work took when it was really done."""
    for artifact in graph.outputs(execution):
        if artifact.producer is not None:
            return artifact.producer.seconds
    return None


def _block(title: str, rows: Sequence[tuple[str, str]]) -> str:
    rows = [row for row in rows if row[1]]
    if not rows:
        return ""
    return "\n".join([title, *_table(rows)])


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return [f"  {line.rstrip()}" for line in lines]


def _run_rows(lineage: RunLineage) -> list[tuple[str, str]]:
    rows = [
        ("run", lineage.run_id),
        ("pipeline", lineage.pipeline),
        ("preset", lineage.preset),
        ("state", lineage.state.lower()),
        ("started", moment(lineage.started_ms)),
        ("git commit", lineage.git_commit or "unknown"),
    ]
    if lineage.model is not None:
        trained = "" if lineage.model.run_id == lineage.run_id else f" (run {lineage.model.run_id})"
        rows += [
            ("model", f"{lineage.model.uri}{trained}"),
            ("pushed to", lineage.model.pushed_to or "nowhere"),
        ]
    return rows


def _data_rows(lineage: RunLineage) -> list[tuple[str, str]]:
    data = lineage.data
    if data.artifact_id is None:
        return []
    counts = [f"{split} {count:,}" for split, count in sorted(data.counts.items())]
    rejects = [f"{count:,} {reason}" for reason, count in sorted(data.rejected.items())]
    changes = [f"{count:,} {name}" for name, count in sorted(data.conversions.items())]
    return [
        ("fingerprint", data.fingerprint),
        ("records", ", ".join(counts) or "not counted"),
        ("rejected", ", ".join(rejects) or "none"),
        ("converted", ", ".join(changes)),
        ("artifact", data.uri),
    ]


def _verdict_rows(lineage: RunLineage) -> list[tuple[str, str]]:
    words = {None: "none yet", True: "blessed", False: "not blessed"}
    rows = [("verdict", words[lineage.verdict.blessed])]
    rows += [("because", reason) for reason in lineage.verdict.reasons]
    rows += [
        (name, format_number(value)) for name, value in sorted(lineage.verdict.metrics.items())
    ]
    if lineage.baseline is None:
        rows.append(("baseline", "none"))
    else:
        rows.append(("baseline", f"{lineage.baseline.uri} (run {lineage.baseline.run_id})"))
        numbers = sorted(lineage.verdict.baseline_metrics.items())
        rows += [(f"baseline {name}", format_number(value)) for name, value in numbers]
    return rows


def _parent_rows(lineage: RunLineage) -> list[tuple[str, str]]:
    rows = []
    for parent in lineage.parents:
        commit = f" (git commit {parent.git_commit})" if parent.git_commit else ""
        rows.append((parent.run_id, ", ".join(parent.nodes) + commit))
    return rows


def _node_table(lineage: RunLineage) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("node", "state", "time", "code")]
    for execution in lineage.graph.executions:
        if execution.state == "CACHED":
            seconds = original_seconds(lineage.graph, execution)
            time = "reused" if seconds is None else f"reused, took {duration(seconds)}"
        else:
            time = duration(execution.seconds)
        digest = lineage.code_digests.get(execution.node_id, "")[:_DIGEST_LENGTH]
        rows.append((execution.node_id, execution.state.lower(), time, digest))
    return rows
