"""Reads the facts of a run from its graph: data, configuration, code, metrics, verdict, parents.

The names below are where Papergarden's nodes leave each fact. A fact that a run lacks is empty,
never an error: a failed or half-finished run has a lineage too.
"""

from __future__ import annotations

import contextlib
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


def find_config(run: Mapping[str, Any], graph: LineageGraph) -> dict[str, Any]:
    """Returns the resolved configuration: the run's own, else what its nodes were given.

    Args:
        run: The values of the run's context.
        graph: The run's graph.
    """
    for name in _CONFIG_NAMES:
        config = parse_json(run.get(name))
        if isinstance(config, Mapping) and config:
            return dict(config)
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
        counts=_counts(first, "record_counts"),
        rejected=_counts(first, "rejected"),
        conversions=_counts(first, "conversions"),
        artifact_id=first.artifact_id,
    )


def _counts(artifact: Artifact, name: str) -> dict[str, int]:
    value = parse_json(artifact.value(name))
    if not isinstance(value, Mapping):
        return {}
    return {str(key): int(number) for key, number in value.items()}


def find_verdict(graph: LineageGraph) -> VerdictFacts:
    """Returns the gate's decision, its reasons and the numbers it rests on.

    The Evaluator records the decision alone; reasons and numbers are on the run's report.
    """
    blessed = None
    for artifact in graph.produced("ModelBlessing")[-1:]:
        blessed = artifact.value("blessed")
    reports = [one for one in graph.artifacts.values() if one.value("verdict")]
    recorded = parse_json(reports[-1].value("verdict")) if reports else {}
    values = recorded if isinstance(recorded, Mapping) else {}
    return VerdictFacts(
        blessed=bool(values.get("blessed")) if blessed is None and values else _truth(blessed),
        reasons=tuple(str(one) for one in values.get("reasons") or ()),
        metrics=_numbers(values.get("metrics")),
        baseline_metrics=_numbers(values.get("baseline_metrics")),
    )


def _truth(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _numbers(values: Any) -> dict[str, float]:
    if not isinstance(values, Mapping):
        return {}
    numbers = {}
    for name, value in values.items():
        # The report writes the numbers that JSON lacks as "inf" and "nan".
        with contextlib.suppress(TypeError, ValueError):
            numbers[str(name)] = float(value)
    return numbers


def find_evaluation(graph: LineageGraph) -> tuple[str, str] | None:
    """Returns the directories of the evaluation and of the blessing."""
    evaluations, blessings = graph.produced("ModelEvaluation"), graph.produced("ModelBlessing")
    return (evaluations[-1].uri, blessings[-1].uri) if evaluations and blessings else None


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
