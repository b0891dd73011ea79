"""The `papergarden` command; `kfp run <pipeline>` ends up here too."""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.markup import escape

from components.errors import ConfigError, PapergardenError
from pipelines.closing import close_run
from pipelines.compile_command import compile_pipelines
from pipelines.configs.paper_config import ResolvedConfig, resolve_config
from pipelines.data_command.command import app as data_app
from pipelines.endpoint_options import PANEL, with_endpoint_options
from pipelines.node_command import run_task
from pipelines.registry import PIPELINES, find_pipeline
from pipelines.runners.kubeflow_endpoint import Endpoint
from pipelines.runners.local_run import RunRequest, RunView, run_locally
from pipelines.submit_command import follow_run

PROCESS_START = time.time()
DEFAULT_ROOT = "runs"
# As upstream's client has it.
EXPERIMENT_VARIABLE = "KF_PIPELINES_DEFAULT_EXPERIMENT_NAME"

app = typer.Typer(
    help="Deep-learning papers as TFX pipelines: on this machine, or on Kubeflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(data_app, name="data")

PipelineArgument = Annotated[str, typer.Argument(help="A pipeline that `papergarden list` names.")]
PresetOption = Annotated[
    str, typer.Option(help="smoke: seconds; sample: minutes; paper: all of it.")
]
SetOption = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads this on Python 3.10
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; may be repeated."),
]
RootOption = Annotated[Path, typer.Option(help="Folder of everything that runs leave behind.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command()
@with_endpoint_options
def run(
    pipeline: PipelineArgument,
    endpoint: Endpoint | None,
    preset: PresetOption = "sample",
    data_root: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="The data set in its official layout, as the run's tasks see it; without it, the "
            "paper's sample data."
        ),
    ] = None,
    assignments: SetOption = None,
    root: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Folder of everything that runs leave behind, as the run's tasks see it.",
            show_default="runs; on Kubeflow a folder of its volume",
        ),
    ] = None,
    json_file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--json", help="Write the whole outcome to this file."),
    ] = None,
    beam: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="OPTION=VALUE", help="An option for every Beam node; may be repeated."
        ),
    ] = None,
    experiment: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="The experiment that gets the run; made if there is none.",
            show_default="the pipeline's name",
            rich_help_panel=PANEL,
        ),
    ] = None,
    schedule: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="CRON", help="Run again and again, as '0 3 * * MON'.", rich_help_panel=PANEL
        ),
    ] = None,
    accelerator: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="As `papergarden compile` takes it.", show_default="gpu", rich_help_panel=PANEL
        ),
    ] = None,
    cluster: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="KEY=VALUE", help="As `papergarden compile` takes it.", rich_help_panel=PANEL
        ),
    ] = None,
) -> None:
    """Run a pipeline from its data to a pushed model; finished nodes come from the cache."""
    resolved = _resolve(pipeline, preset, assignments)
    if endpoint is not None:
        from pipelines.runners.kubeflow_cluster import cluster_config
        from pipelines.runners.kubeflow_parameters import run_arguments
        from pipelines.runners.kubeflow_schedule import parse_schedule
        from pipelines.runners.kubeflow_submit import Submission
        from pipelines.submit_command import run_on_kubeflow

        submission = Submission(
            cluster=cluster_config(pipeline, accelerator or "gpu", cluster or ()),
            arguments=run_arguments(
                preset=preset,
                data_root=data_root,
                root=root,
                overrides=assignments or (),
                beam_options=beam or (),
            ),
            experiment=experiment or os.environ.get(EXPERIMENT_VARIABLE) or pipeline,
            schedule=parse_schedule(schedule) if schedule is not None else None,
        )
        run_on_kubeflow(endpoint, submission, json_file)
        return
    for option, value in (
        ("--experiment", experiment),
        ("--schedule", schedule),
        ("--accelerator", accelerator),
        ("--cluster", cluster),
    ):
        if value is not None:
            raise ConfigError(
                f"{option} is for runs on Kubeflow", expected="--endpoint URL beside it"
            )
    from pipelines.runners.beam_options import as_flags

    _run_here(
        RunRequest(
            pipeline=pipeline,
            resolved=resolved,
            root=Path(root or DEFAULT_ROOT),
            data_root=Path(data_root) if data_root else None,
            beam_args=as_flags(beam or ()),
        ),
        json_file,
    )


def _run_here(request: RunRequest, json_file: Path | None) -> None:
    from pipelines.runners.live_table import LiveTable

    console = Console(highlight=False)
    preset = request.resolved.preset
    console.print(f"[bold]{request.pipeline}[/bold]  preset {preset}, root {request.root}")
    view = RunView(
        say=lambda line: console.print(line, markup=False, soft_wrap=True),
        table=lambda: LiveTable(console),
    )
    close_run(run_locally(request, view, PROCESS_START), console, json_file)


@app.command("list")
def list_pipelines(as_json: JsonFlag = False) -> None:
    """List the papers that can be run."""
    if as_json:
        typer.echo(json.dumps({name: entry.title for name, entry in PIPELINES.items()}, indent=2))
        return
    for name, entry in PIPELINES.items():
        typer.echo(f"{name:<18} {entry.title}")


@app.command()
def config(
    pipeline: PipelineArgument,
    preset: PresetOption = "sample",
    assignments: SetOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the resolved configuration and where each value came from."""
    resolved = _resolve(pipeline, preset, assignments)
    if as_json:
        rows = {s.key: {"value": s.value, "origin": s.origin} for s in resolved.settings}
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(len(setting.key) for setting in resolved.settings)
    for setting in resolved.settings:
        value = json.dumps(setting.value)
        typer.echo(f"{setting.key:<{width}}  {value:<24} {setting.origin}")


@app.command()
def doctor(root: RootOption = Path(DEFAULT_ROOT), as_json: JsonFlag = False) -> None:
    """Say what this machine can run, and what to do about what it cannot."""
    from pipelines.doctor import render, run_checks

    checks = run_checks(root)
    typer.echo(render(checks, as_json=as_json))
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(1)


@app.command()
def lineage(
    target: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="A run id, or the folder of a pushed model; without it, the runs."),
    ] = None,
    root: RootOption = Path(DEFAULT_ROOT),
    metadata_uri: Annotated[
        str, typer.Option(help="The metadata store of a cluster's runs, instead of the root's.")
    ] = "",
    as_json: JsonFlag = False,
    picture: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write a picture to this file, .svg or .png."),
    ] = None,
) -> None:
    """Say which data, configuration, code and runs made a model."""
    from components.lineage.metadata_uri import sqlite_uri
    from pipelines.lineage_command import show_lineage

    uri = metadata_uri or sqlite_uri(root / "metadata.sqlite")
    typer.echo(show_lineage(target, uri, as_json_text=as_json, picture=picture))


app.command("compile")(compile_pipelines)
app.command("follow")(follow_run)
app.command("node")(run_task)


def _resolve(pipeline: str, preset: str, assignments: list[str] | None) -> ResolvedConfig:
    return resolve_config(find_pipeline(pipeline).load_config(), preset, assignments or ())


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; errors meant for the user are printed without a traceback.

    Args:
        arguments: Words of the command line; the process's own by default.

    Returns:
        The exit code: 0 blessed, 3 not blessed, 2 wrong usage, 75 stopped and resumable, 1 failed.
    """
    # The libraries' notices about GPUs that are not there and about Python versions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        return app(args=arguments, standalone_mode=False, prog_name="papergarden") or 0
    except PapergardenError as error:
        console = Console(stderr=True, highlight=False)
        console.print(f"[red]error[/red]     {escape(str(error))}", soft_wrap=True)
        if isinstance(error, ConfigError):
            return 2
        return error.exit_code
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return 130
    except Exception as error:
        # Typer's own usage errors know how to show themselves.
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", 2))
