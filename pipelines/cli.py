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

from components.errors import ConfigError, PapergardenError, RunError, StackError
from pipelines.compile_command import compile_pipelines
from pipelines.configs.paper_config import ResolvedConfig, resolve_config
from pipelines.data_command.command import app as data_app
from pipelines.node_command import run_task
from pipelines.registry import PIPELINES, find_pipeline

PROCESS_START = time.time()
NOT_BLESSED_EXIT_CODE = 3

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
def run(
    pipeline: PipelineArgument,
    preset: PresetOption = "sample",
    data_root: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            help="The data set in its official layout; without it, the paper's sample data."
        ),
    ] = None,
    assignments: SetOption = None,
    root: RootOption = Path("runs"),
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
    endpoint: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="A Kubeflow Pipelines endpoint."),
    ] = None,
) -> None:
    """Run a pipeline from its data to a pushed model; finished nodes come from the cache."""
    from pipelines.runners.live_table import LiveTable
    from pipelines.runners.local_run import RunRequest, RunView, run_locally
    from pipelines.runners.summary import print_summary

    if endpoint:
        raise StackError(
            "this version runs pipelines on this machine only",
            found=f"--endpoint {endpoint}",
            fix="leave --endpoint away",
        )
    console = Console(highlight=False)
    request = RunRequest(
        pipeline=pipeline,
        resolved=_resolve(pipeline, preset, assignments),
        root=root,
        data_root=data_root,
        beam_args=tuple(f"--{option.lstrip('-')}" for option in beam or ()),
    )
    console.print(f"[bold]{pipeline}[/bold]  preset {preset}, root {root}")
    view = RunView(
        say=lambda line: console.print(line, markup=False, soft_wrap=True),
        table=lambda: LiveTable(console),
    )
    outcome = run_locally(request, view, PROCESS_START)
    print_summary(outcome, console)
    if json_file:
        _write(json_file, outcome.to_json())
    if outcome.error:
        raise outcome.error
    if outcome.verdict is None or not outcome.verdict.blessed:
        raise typer.Exit(NOT_BLESSED_EXIT_CODE)


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
def doctor(root: RootOption = Path("runs"), as_json: JsonFlag = False) -> None:
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
    root: RootOption = Path("runs"),
    as_json: JsonFlag = False,
    picture: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write a picture to this file, .svg or .png."),
    ] = None,
) -> None:
    """Say which data, configuration, code and runs made a model."""
    from pipelines.lineage_command import show_lineage

    typer.echo(show_lineage(target, root, as_json_text=as_json, picture=picture))


app.command("compile")(compile_pipelines)
app.command("node")(run_task)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise RunError(
            f"{path} cannot be written", found=error.strerror, fix="pass another file with --json"
        ) from error


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
