"""Reads the facts of a run from its graph: data, configuration, code, metrics, verdict, parents.

The names below are where Papergarden's nodes leave each fact. A fact that a run lacks is empty, never
an error: a failed or half-finished run has a lineage too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from components.lineage.graph import (
    Artifact,
    DataFacts,
    LineageGraph,
    ModelReference,
    VerdictFacts,
    is_resolver,
)

_CONFIG_NAMES = ("config_json", "config", "resolved_config")
_REJECT_NAMES = ("rejected", "rejects", "rejected_counts", "record_rejects")
_COUNT_NAMES = ("record_counts", "counts", "num_records", "records")


def parse_json(value: Any) -> Any:
    """Returns a JSON text's value; what is no JSON text is returned as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def find_text(sources: Iterable[Mapping[str, Any]], name: str) -> str:
    """Returns the first non-empty text of that name, also inside `custom_config`."""
    for source in sources:
        nested = parse_json(source.get("custom_config"))
        for values in (source, nested if isinstance(nested, Mapping) else {}):
            value = values.get(name)
            if isinstance(value, str) and value:
                return value
    return ""


def find_config(graph: LineageGraph) -> dict[str, Any]:
    """Returns the resolved configuration that the run's nodes were given."""
    for execution in sorted(graph.executions, key=lambda one: one.node_id != "Trainer"):
        custom = parse_json(execution.properties.get("custom_config"))
        for values in (custom if isinstance(custom, Mapping) else {}, execution.properties):
            for name in _CONFIG_NAMES:
                config = parse_json(values.get(name))
                if isinstance(config, Mapping) and config:
                    return dict(config)
    return {}


def find_code_digests(graph: LineageGraph) -> dict[str, str]:
    """Returns node -> digest over the sources it uses."""
    return {
        one.node_id: str(one.properties["code_digest"])
        for one in graph.executions
        if one.properties.get("code_digest")
    }


def find_data(graph: LineageGraph) -> DataFacts:
    """Returns what ExampleGen said about the data."""
    examples = graph.produced("Examples")
    if not examples:
        return DataFacts()
    first = examples[0]
    return DataFacts(
        uri=first.uri,
        fingerprint=str(first.value("input_fingerprint", "")),
        counts=_counts(first, _COUNT_NAMES),
        rejected=_counts(first, _REJECT_NAMES),
        artifact_id=first.artifact_id,
    )


def _counts(artifact: Artifact, names: Iterable[str]) -> dict[str, int]:
    for name in names:
        value = parse_json(artifact.value(name))
        if isinstance(value, Mapping):
            return {str(key): int(number) for key, number in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"all": int(value)}
    return {}


def find_verdict(graph: LineageGraph) -> VerdictFacts:
    """Returns the gate's decision and its reasons."""
    for blessing in graph.produced("ModelBlessing")[-1:]:
        reasons = parse_json(blessing.value("reasons", blessing.value("blessing_message", "")))
        if isinstance(reasons, str):
            reasons = [reasons] if reasons else []
        blessed = blessing.value("blessed")
        return VerdictFacts(
            None if blessed is None else bool(blessed), tuple(str(one) for one in reasons)
        )
    return VerdictFacts()


def find_metrics(graph: LineageGraph, name: str = "metrics") -> dict[str, float]:
    """Returns the numbers under `name` that the Evaluator left on its artifacts."""
    for type_name in ("ModelEvaluation", "ModelBlessing"):
        for artifact in graph.produced(type_name)[-1:]:
            values = parse_json(artifact.value(name))
            if isinstance(values, Mapping):
                return {
                    str(key): float(value)
                    for key, value in values.items()
                    if isinstance(value, int | float)
                }
    return {}


def find_model(graph: LineageGraph) -> ModelReference | None:
    """Returns the run's model and where it was pushed to."""
    models = graph.produced("Model")
    if not models:
        return None
    model = models[-1]
    pushed = graph.produced("PushedModel")
    destination, version = pushed_place(pushed[-1]) if pushed else ("", "")
    return ModelReference(
        model.artifact_id,
        model.uri,
        model.producer.run_id if model.producer else "",
        destination,
        version,
    )


def find_baseline(graph: LineageGraph) -> ModelReference | None:
    """Returns the model that the candidate was compared with."""
    candidates = [
        artifact
        for execution in graph.executions
        if not is_resolver(execution)
        for key in ("baseline_model", "baseline")
        for artifact in graph.inputs(execution, key)
    ]
    if not candidates:
        return None
    model = candidates[0]
    run_id = model.producer.run_id if model.producer else ""
    return ModelReference(model.artifact_id, model.uri, run_id)


def find_parents(graph: LineageGraph, run_id: str) -> dict[str, tuple[str, ...]]:
    """Returns earlier run -> this run's nodes that reuse its results."""
    parents: dict[str, list[str]] = {}
    for execution in graph.executions:
        if execution.state != "CACHED":
            continue
        for artifact in graph.outputs(execution)[:1]:
            producer = artifact.producer
            if producer and producer.run_id not in ("", run_id):
                parents.setdefault(producer.run_id, []).append(execution.node_id)
    return {run: tuple(nodes) for run, nodes in parents.items()}


def pushed_place(artifact: Artifact) -> tuple[str, str]:
    """Returns the directory and the version that a PushedModel was pushed to."""
    return str(artifact.value("pushed_destination", "")), str(artifact.value("pushed_version", ""))


def format_number(value: float) -> str:
    """Returns a metric as people read it: four significant digits, or the name of no number."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    return f"{value:.4g}"
