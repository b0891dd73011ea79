"""The tasks of a compiled pipeline: prepare the store, run one node, tell the verdict.

Each is a process of its own, in a container of its own, that knows the run by its id and everything
else by the run's parameters.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.errors import ConfigError, RunError
from components.trainers.worker_task import read_worker_task
from pipelines.configs.paper_config import ResolvedConfig
from pipelines.registry import find_pipeline
from pipelines.runners.beam_options import node_beam_args
from pipelines.runners.local_run import run_facts

if TYPE_CHECKING:
    from tfx.proto.orchestration import pipeline_pb2

    from components.lineage.graph import VerdictFacts
    from pipelines.runners.node import NodeOutcome


# The node that several workers may run together.
TRAINER = "Trainer"
# The first task of a run loses nothing by ending.
FIRST_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class TaskRequest:
    """A run, as each of its tasks is told of it.

    Attributes:
        pipeline: A registered pipeline.
        run_id: The run; a retried task has the same.
        resolved: The run's configuration.
        root: Folder or object store prefix of everything the run leaves behind.
        data_root: The data set; empty takes the paper's sample data.
        metadata_uri: The ML Metadata store, without a password.
        git_commit: The commit that the image was built from.
        beam_args: Further options of the Beam nodes.
    """

    pipeline: str
    run_id: str
    resolved: ResolvedConfig
    root: str
    data_root: str
    metadata_uri: str
    git_commit: str
    beam_args: tuple[str, ...] = ()


def prepare(request: TaskRequest) -> list[str]:
    """Makes the store ready, and the sample data where the run names none.

    Any number of runs may do so at once.

    Returns:
        What there is to say, one sentence each.

    Raises:
        RunError: If the store cannot be opened.
    """
    from components.lineage.metadata_uri import connection_config
    from components.lineage.patient_store import PatientStore

    store = PatientStore(connection_config(request.metadata_uri), FIRST_PATIENCE_SECONDS)
    # Not before: a store that is away is told before the seconds that TFX takes.
    from pipelines.runners.artifact_contents import withdraw_damaged

    damaged = withdraw_damaged(store, request.pipeline)
    return [
        f"metadata  {request.metadata_uri} is ready",
        *damaged,
        f"data      {find_data(request)}",
    ]


def run(request: TaskRequest, node_id: str, say: Callable[[str], None]) -> NodeOutcome:
    """Runs one node, or takes it up where an earlier try of it in this run stopped.

    Args:
        request: The run.
        node_id: The node.
        say: Takes a line of news.

    Raises:
        PapergardenError: If the node cannot run, or the store stays away.
        Exception: Whatever the node's executor raises.
    """
    from pipelines.runners.node import NodeOutcome, open_metadata, read_outcome, run_node
    from pipelines.runners.patient_metadata import relaunch
    from pipelines.runners.resumed_node import tidy_earlier_try

    part = _part_in_node(request, node_id)
    pipeline_ir = build_pipeline(request)
    if part != "run":
        from pipelines.runners.training_worker import await_training_job, help_training

        if part == "help":
            return NodeOutcome(node_id, "executed", help_training(pipeline_ir, node_id, say))
        execution_id = await_training_job(pipeline_ir, node_id, say)
        with open_metadata(pipeline_ir) as handle:
            return read_outcome(handle.store, node_id, execution_id)

    def launch() -> NodeOutcome:
        finished = tidy_earlier_try(pipeline_ir, node_id)
        if finished is None:
            return run_node(pipeline_ir, node_id)
        with open_metadata(pipeline_ir) as handle:
            return read_outcome(handle.store, node_id, finished)

    return relaunch(launch)


def _part_in_node(request: TaskRequest, node_id: str) -> Literal["run", "help", "await"]:
    """Whether this process runs a node, helps another that does, or waits for a job that does."""
    task = read_worker_task()
    several = task is not None and len(task.addresses) > 1
    strategy = json.loads(request.resolved.to_json())["training"]["strategy"]
    if node_id != TRAINER or strategy != "multi_worker":
        if several:
            raise ConfigError(
                "TF_CONFIG names several workers, and each of them would run the node by itself",
                found=f"node {node_id}, training.strategy={strategy}",
                expected=f"node {TRAINER}, training.strategy=multi_worker",
            )
        return "run"
    if task is None:
        return "await"
    return "run" if task.leads else "help"


def build_pipeline(request: TaskRequest) -> pipeline_pb2.Pipeline:
    """The compiled TFX pipeline of the run; the same in each of its tasks."""
    from tfx.dsl.compiler.compiler import Compiler

    from pipelines.paper_pipeline import RunPlace
    from pipelines.runners.node import bind_run

    place = RunPlace(
        root=request.root,
        metadata_uri=request.metadata_uri,
        data_root=find_data(request),
        beam_args=node_beam_args(request.beam_args),
    )
    pipeline = find_pipeline(request.pipeline).load_pipeline()(place, request.resolved)
    facts = run_facts(request.resolved, request.run_id, request.git_commit)
    return bind_run(Compiler().compile(pipeline), request.run_id, facts)


def find_data(request: TaskRequest) -> str:
    """The run's data, or the paper's sample data, which the first task of a run makes.

    Below an object store each task has its own: sample data are files.
    """
    if request.data_root:
        return request.data_root
    shared = "://" not in request.root
    directory = Path(request.root if shared else tempfile.gettempdir()) / "sample_data"
    key = hashlib.sha256(request.resolved.to_json().encode()).hexdigest()[:16]
    # Tasks that run at once must not write what another one reads.
    note = directory / f".{request.pipeline}-{key}"
    if note.is_file() and Path(note.read_text()).exists():
        return note.read_text()
    path = find_pipeline(request.pipeline).load_sample_data()(request.resolved.config, directory)
    directory.mkdir(parents=True, exist_ok=True)
    unfinished = note.with_name(f"{note.name}.{os.getpid()}")
    unfinished.write_text(str(path))
    unfinished.replace(note)
    return str(path)


def read_run_verdict(request: TaskRequest) -> VerdictFacts:
    """The verdict of a run whose nodes have all ended.

    Raises:
        RunError: If it came to none.
    """
    from components.lineage.metadata_uri import connection_config
    from components.lineage.patient_store import PatientStore
    from components.lineage.query import run_lineage

    store = PatientStore(connection_config(request.metadata_uri, read_only=True))
    verdict = run_lineage(store, request.run_id).verdict
    if verdict.blessed is None:
        raise RunError(
            f"the run {request.run_id} came to no verdict",
            expected="an Evaluator that has ended",
            fix="look at the first failed task of the run",
        )
    return verdict
