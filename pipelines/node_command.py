"""`papergarden node`: one task of a compiled pipeline, as a cluster's container runs it."""

from __future__ import annotations

import os
import signal
import traceback
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from components.errors import ConfigError, Preempted, RunError
from pipelines.registry import find_pipeline

if TYPE_CHECKING:
    from pipelines.runners.kubeflow_node import TaskRequest

REFUSED_EXIT_CODE = 3
# What the node with the gate puts out.
GATE_OUTPUTS = ("evaluation", "blessing")


def run_task(
    pipeline: Annotated[str, typer.Option(help="A pipeline that `papergarden list` names.")],
    run_id: Annotated[str, typer.Option(help="The run; a task that is tried again has the same.")],
    root: Annotated[str, typer.Option(help="Folder of everything that runs leave behind.")],
    node: Annotated[
        Optional[str],  # noqa: UP045 - typer reads this on Python 3.10
        typer.Option(help="The node to run."),
    ] = None,
    init_metadata: Annotated[
        bool, typer.Option("--init-metadata", help="Make the metadata store ready instead.")
    ] = False,
    verdict: Annotated[
        bool, typer.Option("--verdict", help="Tell the run's verdict instead; 3 if refused.")
    ] = False,
    preset: Annotated[str, typer.Option(help="One of the paper's.")] = "sample",
    data_root: Annotated[
        str, typer.Option(help="The data set; empty takes the paper's sample data.")
    ] = "",
    overrides: Annotated[
        str, typer.Option(metavar="LIST", help='Settings: ["training.steps=100"].')
    ] = "[]",
    beam_options: Annotated[
        str, typer.Option(metavar="LIST", help='Options of Beam nodes: ["runner=FlinkRunner"].')
    ] = "[]",
    metadata_uri: Annotated[
        str, typer.Option(envvar="PAPERGARDEN_METADATA_URI", help="The metadata store.")
    ] = "",
    git_commit: Annotated[
        str, typer.Option(envvar="PAPERGARDEN_GIT_COMMIT", help="The commit of the image.")
    ] = "",
) -> None:
    """Run one task of a compiled pipeline, as the containers of a cluster do."""
    if [node is not None, init_metadata, verdict].count(True) != 1:
        raise ConfigError(
            "a container runs one task", expected="one of --node NAME, --init-metadata, --verdict"
        )
    if not metadata_uri:
        raise ConfigError(
            "no metadata store is configured",
            expected="its URI in PAPERGARDEN_METADATA_URI; a cluster sets it from a secret",
        )
    # As the first process of a container this one would not even end by it.
    signal.signal(signal.SIGTERM, _stop)
    from pipelines.configs.paper_config import resolve_config
    from pipelines.runners import kubeflow_node, local_run
    from pipelines.runners.beam_options import as_flags
    from pipelines.runners.kubeflow_parameters import parse_list

    config_type = find_pipeline(pipeline).load_config()
    request = kubeflow_node.TaskRequest(
        pipeline=pipeline,
        run_id=run_id,
        resolved=resolve_config(config_type, preset, parse_list("overrides", overrides)),
        root=root,
        data_root=data_root,
        metadata_uri=metadata_uri,
        git_commit=git_commit or local_run.git_commit(),
        beam_args=as_flags(parse_list("beam_options", beam_options)),
    )
    if node is not None:
        _run_node(request, node)
    elif init_metadata:
        _say(*kubeflow_node.prepare(request))
    else:
        _tell_verdict(request)


def _run_node(request: TaskRequest, node_id: str) -> None:
    from pipelines.runners import kubeflow_node, task_output
    from pipelines.runners.last_words import last_words, our_error

    task_output.show_progress(node_id, _say)
    try:
        outcome = kubeflow_node.run(request, node_id, _say)
    except Exception as error:
        # The log is all that a cluster keeps of a container.
        traceback.print_exc()
        raise our_error(error) or RunError(f"node {node_id} failed: {last_words(error)}") from error
    _say(*task_output.outcome_lines(outcome))
    if set(GATE_OUTPUTS) <= outcome.outputs.keys():
        from components.evaluators.verdict import read_verdict

        evaluation, blessing = (outcome.outputs[key][0]["uri"] for key in GATE_OUTPUTS)
        found = read_verdict(evaluation, blessing)
        _say(*task_output.verdict_lines(found.blessed, found.reasons, found.metrics))


def _tell_verdict(request: TaskRequest) -> None:
    from pipelines.runners import kubeflow_node, task_output

    found = kubeflow_node.read_run_verdict(request)
    _say(*task_output.verdict_lines(bool(found.blessed), found.reasons, found.metrics))
    if not found.blessed:
        raise typer.Exit(REFUSED_EXIT_CODE)


def _say(*lines: str) -> None:
    for line in lines:
        typer.echo(line)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """Ends the process where it stands: another try takes the node up; training saves itself."""
    typer.echo(f"stopped by {signal.Signals(number).name}; another try goes on from here", err=True)
    os._exit(Preempted.exit_code)
