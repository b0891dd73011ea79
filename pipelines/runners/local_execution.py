"""The part of a local run that needs TFX: compile the pipeline, run its nodes."""

from __future__ import annotations

import time
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler.compiler import Compiler

from components.errors import PapergardenError
from components.lineage.metadata_uri import connect, sqlite_uri
from pipelines.paper_pipeline import RunPlace
from pipelines.registry import find_pipeline
from pipelines.runners.artifact_contents import withdraw_damaged
from pipelines.runners.beam_options import node_beam_args
from pipelines.runners.local import LocalRunner
from pipelines.runners.local_run import (
    RunRequest,
    RunView,
    git_commit,
    new_run_id,
    run_facts,
    write_config,
)
from pipelines.runners.node import bind_run
from pipelines.runners.run_outcome import RunOutcome, find_paths, find_verdict, node_reports


def execute(
    request: RunRequest, data_root: Path, view: RunView, process_start: float
) -> RunOutcome:
    """Runs the pipeline under the root's lock; see `local_run.run_locally`."""
    place = RunPlace(
        root=str(request.root),
        metadata_uri=sqlite_uri(request.root / "metadata.sqlite"),
        data_root=str(data_root.absolute()),
        beam_args=node_beam_args(request.beam_args),
    )
    pipeline = find_pipeline(request.pipeline).load_pipeline()(place, request.resolved)
    for sentence in _tidy(place.metadata_uri, request.pipeline):
        view.say(f"notice    {sentence}")
    run_id = new_run_id()
    log_dir = request.root / "logs" / run_id
    write_config(request, log_dir)
    facts = run_facts(request.resolved, run_id, git_commit())
    pipeline_ir = bind_run(Compiler().compile(pipeline), run_id, facts)
    runner = LocalRunner(pipeline_ir, log_dir, request.time_limit_seconds)
    view.say(f"run       {run_id}, logs in {log_dir}")
    started = time.time()
    error = None
    with view.table() as observer:
        try:
            runner.run(observer)
        except PapergardenError as failure:
            error = failure
    nodes = node_reports(runner.nodes)
    return RunOutcome(
        pipeline=request.pipeline,
        run_id=run_id,
        preset=request.resolved.preset,
        metadata_uri=place.metadata_uri,
        nodes=nodes,
        seconds={
            "start": round(started - process_start, 2),
            "total": round(time.time() - process_start, 2),
        },
        verdict=find_verdict(nodes),
        paths=find_paths(nodes, log_dir),
        error=error,
    )


def _tidy(metadata_uri: str, pipeline: str) -> list[str]:
    """Makes the store ready and ends what a killed run left behind; the lock keeps others away."""
    store = connect(metadata_uri)
    execution = metadata_store_pb2.Execution
    context = store.get_context_by_type_and_name("pipeline", pipeline)
    abandoned = [
        found
        for found in (store.get_executions_by_context(context.id) if context else [])
        if found.last_known_state in (execution.NEW, execution.RUNNING)
    ]
    for found in abandoned:
        found.last_known_state = execution.CANCELED
    if abandoned:
        store.put_executions(abandoned)
    sentences = withdraw_damaged(store, pipeline)
    if abandoned:
        sentences.insert(0, f"{len(abandoned)} node(s) of a killed run were left open; now closed")
    return sentences
