"""A report as one HTML file that needs nothing else, and as JSON with the same numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from components.lineage import picture
from components.lineage.render import flatten, jsonable, moment
from components.reports.benchmark import headline, meanings
from components.reports.report import Report, chart_columns

#: What the page is made with besides the code; it belongs into the Report node's code digest.
TEMPLATE_DIR = Path(__file__).parent / "templates"


def render_html(report: Report) -> str:
    """Returns the page. Styles, charts, pictures and sounds are inside it; it holds no script."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_DIR),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    charts, benchmark = report.charts, report.benchmark
    return environment.get_template("report.html.j2").render(
        report=report,
        lineage=report.lineage,
        content=report.content,
        verdict=report.verdict,
        tiles=headline(report.verdict, _tile_facts(report), report.content.headline),
        charts=charts,
        chart_columns=chart_columns(len(charts)),
        benchmark=benchmark,
        meanings=meanings(benchmark),
        nodes=report.node_times,
        settings=flatten(report.config),
        environment=report.environment,
        lineage_svg=picture.as_svg(report.lineage),
        provenance=_provenance(report),
        data=_data_facts(report),
        created=moment(report.created_ms or None),
    )


def report_json(report: Report) -> str:
    """Returns the report's numbers and facts as strict JSON."""
    lineage = report.lineage
    data = {
        "paper": {
            "name": report.paper,
            "title": report.content.title,
            "authors": report.content.authors,
        },
        "task": report.task,
        "subject": report.content.subject,
        "protocol": report.content.protocol,
        "run": {
            "id": lineage.run_id,
            "pipeline": lineage.pipeline,
            "preset": lineage.preset,
            "git_commit": lineage.git_commit,
            "started_ms": lineage.started_ms,
            "parents": [dataclasses.asdict(parent) for parent in lineage.parents],
        },
        "created_ms": report.created_ms,
        "verdict": None if report.verdict is None else dataclasses.asdict(report.verdict),
        "benchmark": [dataclasses.asdict(row) for row in report.benchmark],
        "data": dataclasses.asdict(lineage.data),
        "model": _reference(lineage.model),
        "baseline": _reference(lineage.baseline),
        "config": report.config,
        "nodes": [dataclasses.asdict(node) for node in report.node_times],
        "environment": report.environment,
        "history": {
            name: {"steps": steps, "values": values}
            for name, (steps, values) in report.history.curves.items()
        },
    }
    return json.dumps(jsonable(data), indent=2, allow_nan=False) + "\n"


def _reference(model: Any) -> dict[str, Any] | None:
    return None if model is None else dataclasses.asdict(model)


def _tile_facts(report: Report) -> Mapping[str, str]:
    steps = report.history.num_steps
    records = report.lineage.data.counts.get("train", 0)
    return {
        "Steps": f"{steps:,}" if steps else "",
        "Training": report.environment.get("Training time", ""),
        "Records": f"{records:,}" if records else "",
    }


def _provenance(report: Report) -> list[tuple[str, str]]:
    lineage = report.lineage
    rows = [
        ("Run", lineage.run_id),
        ("Pipeline", lineage.pipeline),
        ("Preset", lineage.preset),
        ("Started", moment(lineage.started_ms)),
        ("Git commit", lineage.git_commit or "unknown"),
        ("Data fingerprint", lineage.data.fingerprint),
    ]
    if lineage.model is not None:
        rows.append(("Model", lineage.model.uri))
    if lineage.baseline is None:
        rows.append(("Baseline", "none: no earlier model was blessed"))
    else:
        rows.append(("Baseline", f"{lineage.baseline.uri} (run {lineage.baseline.run_id})"))
    for parent in lineage.parents:
        rows.append(("Reused", f"{', '.join(parent.nodes)} of run {parent.run_id}"))
    return [row for row in rows if row[1]]


def _data_facts(report: Report) -> list[tuple[str, str]]:
    data = report.lineage.data
    rows = [(f"Records in {split}", f"{count:,}") for split, count in sorted(data.counts.items())]
    if data.artifact_id is not None:
        rejects = [f"{count:,} {reason}" for reason, count in sorted(data.rejected.items())]
        rows.append(("Rejected", ", ".join(rejects) or "none"))
    changes = [f"{count:,} {name}" for name, count in sorted(data.conversions.items())]
    rows += [
        ("Converted", ", ".join(changes)),
        ("Fingerprint", data.fingerprint),
        ("Artifact", data.uri),
    ]
    return [row for row in rows if row[1]]
