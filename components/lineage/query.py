"""The questions people ask of a store: which runs there are, and what made a run or a model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from components.errors import PapergardenError
from components.lineage import facts
from components.lineage.graph import (
    FINISHED_STATES,
    Artifact,
    LineageGraph,
    ParentRun,
    RunLineage,
    RunSummary,
    VerdictFacts,
    is_resolver_type,
)
from components.lineage.store_reader import (
    PIPELINE_CONTEXT,
    RUN_CONTEXT,
    context_values,
    read_artifacts,
    read_graph,
    state_name,
)

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    from components.evaluators.verdict import Verdict

    VerdictReader = Callable[[str, str], Verdict]

_LISTED = 10


class LineageError(PapergardenError):
    """The store knows no such run or model."""


def list_runs(store: MetadataStore) -> list[RunSummary]:
    """Returns every run, newest first."""
    runs = [_summary(store, context) for context in _run_contexts(store)]
    return sorted(runs, key=lambda run: run.started_ms or 0, reverse=True)


def run_lineage(
    store: MetadataStore, run_id: str, *, read_verdict: VerdictReader | None = None
) -> RunLineage:
    """Returns everything about one run.

    Args:
        store: An open store.
        run_id: The run's id, or `latest`.
        read_verdict: Reads the Evaluator's files where the run has no report to tell the numbers,
            as `components.evaluators.verdict.read_verdict` does (it imports TFMA: seconds).

    Raises:
        LineageError: There is no such run; the newest ones are listed.
    """
    context = _find_run(store, run_id)
    summary = _summary(store, context)
    graph = read_graph(store, context.id)
    run_values = context_values(context)
    sources = [run_values]
    sources += [dict(one.properties) for one in graph.executions]
    return RunLineage(
        subject=summary.run_id,
        run_id=summary.run_id,
        pipeline=summary.pipeline,
        state=summary.state,
        started_ms=summary.started_ms,
        ended_ms=summary.ended_ms,
        graph=graph,
        data=facts.find_data(graph),
        config=facts.find_config(run_values, graph),
        paper=facts.find_text(sources, "paper"),
        preset=facts.find_text(sources, "preset"),
        git_commit=facts.find_text(sources, "git_commit"),
        code_digests=facts.find_code_digests(graph),
        verdict=_verdict(graph, read_verdict),
        model=facts.find_model(graph),
        baseline=facts.find_baseline(graph),
        parents=_parents(store, facts.find_parents(graph, summary.run_id)),
    )


def model_lineage(
    store: MetadataStore,
    model_dir: str | os.PathLike[str],
    *,
    read_verdict: VerdictReader | None = None,
) -> RunLineage:
    """Returns everything about the run that made the model in a directory.

    Args:
        store: An open store.
        model_dir: A pushed version, the folder of all versions (then the newest), a `PushedModel`
            or `Model` artifact, or a folder inside one of them.
        read_verdict: See `run_lineage`.

    Raises:
        LineageError: No model in the store has to do with the directory; the known ones are listed.
    """
    models = [
        artifact
        for type_name in ("PushedModel", "Model")
        for artifact in _artifacts_of_type(store, type_name)
    ]
    wanted = local_path(model_dir)
    exact = [one for one in models if wanted in _places(one)]
    versions = [one for one in models if wanted in {_parent(place) for place in _places(one)}]
    inside = [one for one in models if any(_is_inside(wanted, place) for place in _places(one))]
    found = exact or inside or versions
    if not found:
        raise LineageError(
            "The metadata store knows no model in this directory",
            found=model_dir,
            expected=_listed(sorted({place for one in models for place in _places(one)})),
            fix="name a pushed version, or the store of another root with --root",
        )
    model = max(found, key=lambda one: one.artifact_id)
    if model.producer is None or not model.producer.run_id:
        raise LineageError(f"No run in the metadata store wrote the model {model.uri}")
    lineage = run_lineage(store, model.producer.run_id, read_verdict=read_verdict)
    return dataclasses.replace(lineage, subject=str(model_dir))


def local_path(uri: str | os.PathLike[str]) -> str:
    """Returns a path or `file://` URI without `.`, `..`, links and the last slash.

    A URI of an object store stays as it is, but for the last slash.
    """
    text = os.fspath(uri)
    parts = urlsplit(text)
    if parts.scheme == "file":
        text = unquote(parts.path)
    elif "://" in text:
        return text.rstrip("/")
    return str(Path(text).expanduser().resolve())


def _verdict(graph: LineageGraph, read_verdict: VerdictReader | None) -> VerdictFacts:
    verdict = facts.find_verdict(graph)
    places = facts.find_evaluation(graph)
    if verdict.metrics or read_verdict is None or places is None:
        return verdict
    read = read_verdict(*places)
    return VerdictFacts(
        read.blessed, tuple(read.reasons), read.metrics, read.baseline_metrics or {}
    )


def _places(artifact: Artifact) -> set[str]:
    destination, version = facts.pushed_place(artifact)
    places = {artifact.uri, destination}
    if version and destination.rstrip("/").rpartition("/")[2] != version:
        places.add(f"{destination.rstrip('/')}/{version}")
    return {local_path(place) for place in places if place}


def _parent(place: str) -> str:
    return place.rpartition("/")[0]


def _is_inside(path: str, place: str) -> bool:
    return path.startswith(f"{place}/")


def _artifacts_of_type(store: MetadataStore, type_name: str) -> list[Artifact]:
    from ml_metadata import errors

    try:
        protos = store.get_artifacts_by_type(type_name)
    except errors.NotFoundError:
        return []
    return list(read_artifacts(store, [proto.id for proto in protos]).values())


def _run_contexts(store: MetadataStore) -> list[metadata_store_pb2.Context]:
    from ml_metadata import errors

    try:
        return list(store.get_contexts_by_type(RUN_CONTEXT))
    except errors.NotFoundError:
        return []


def _find_run(store: MetadataStore, run_id: str) -> metadata_store_pb2.Context:
    contexts = sorted(
        _run_contexts(store), key=lambda one: (one.create_time_since_epoch, one.id), reverse=True
    )
    for context in contexts:
        if run_id in (context.name, "latest"):
            return context
    raise LineageError(
        "The metadata store knows no such run",
        found=run_id,
        expected=_listed([context.name for context in contexts]),
        fix="name one of these runs, or the store of another root with --root",
    )


def _listed(names: list[str]) -> str:
    if not names:
        return "nothing: this store holds no finished model or run yet"
    more = len(names) - _LISTED
    return "one of " + ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _summary(store: MetadataStore, context: metadata_store_pb2.Context) -> RunSummary:
    executions = list(store.get_executions_by_context(context.id))
    states: dict[str, int] = {}
    for execution in executions:
        states[state_name(execution)] = states.get(state_name(execution), 0) + 1
    finished = bool(states) and set(states) <= set(FINISHED_STATES)
    ended = [execution.last_update_time_since_epoch for execution in executions]
    parents = store.get_parent_contexts_by_context(context.id)
    pipelines = [one.name for one in parents if one.type == PIPELINE_CONTEXT]
    return RunSummary(
        run_id=context.name,
        pipeline=pipelines[0] if pipelines else "",
        state=_run_state(executions),
        started_ms=context.create_time_since_epoch or None,
        ended_ms=max(ended) if finished else None,
        states=states,
    )


def _run_state(executions: list[metadata_store_pb2.Execution]) -> str:
    states = [state_name(execution) for execution in executions]
    for state in ("FAILED", "CANCELED", "UNKNOWN"):
        if state in states:
            return state
    if "RUNNING" in states or "NEW" in states:
        return "RUNNING"
    workers = [one for one in executions if not is_resolver_type(one.type)]
    if workers and all(state_name(one) == "CACHED" for one in workers):
        return "CACHED"
    return "COMPLETE" if states else "NEW"


def _parents(store: MetadataStore, parents: dict[str, tuple[str, ...]]) -> tuple[ParentRun, ...]:
    found = []
    for run_id, nodes in parents.items():
        context = store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
        values = [context_values(context)] if context is not None else []
        found.append(ParentRun(run_id, nodes, facts.find_text(values, "git_commit")))
    return tuple(found)
