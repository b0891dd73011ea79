"""Runs pipelines on Kubeflow from the command line: `papergarden run --endpoint`, and `follow`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.console import Console

from components.errors import ConfigError
from pipelines.closing import close_run, write_json
from pipelines.endpoint_options import with_endpoint_options
from pipelines.runners.kubeflow_endpoint import Endpoint
from pipelines.runners.kubeflow_patience import Patience

if TYPE_CHECKING:
    from pipelines.runners.kubeflow_service import KubeflowService
    from pipelines.runners.kubeflow_submit import Submission
    from pipelines.runners.local_run import RunView

PATIENCE = Patience()


def run_on_kubeflow(endpoint: Endpoint, submission: Submission, json_file: Path | None) -> None:
    """Submits a run and follows it to its end, or creates a recurring run.

    Args:
        endpoint: Where.
        submission: What.
        json_file: Gets the outcome.

    Raises:
        PapergardenError: It cannot be submitted, or the run failed.
        typer.Exit: If the model was not blessed.
    """
    console = _console()
    pipeline = submission.cluster.pipeline
    preset = submission.arguments.get("preset", "")
    console.print(f"[bold]{pipeline}[/bold]  preset {preset}, endpoint {endpoint.shown}")
    view = _view(console)
    from pipelines.runners.kubeflow_submit import submit

    service = _connect(endpoint, view)
    # A wrong address, a token that has expired and a missing namespace are told before the
    # seconds that TFX takes.
    if service.namespace:
        view.say(f"namespace {service.namespace}")
    view.say(f"experiment {submission.experiment}")
    view.say("loading   TFX (some 15 s)")
    identifier = submit(submission, service)
    if submission.schedule is not None:
        _tell_recurring_run(identifier, endpoint, submission, view, json_file)
        return
    _follow(service, identifier, console, view, json_file)


@with_endpoint_options
def follow_run(
    run_id: Annotated[str, typer.Argument(help="The run's id.")],
    endpoint: Endpoint | None,
    json_file: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads this on Python 3.10
        typer.Option("--json", help="Write the whole outcome to this file."),
    ] = None,
) -> None:
    """Follow a run on Kubeflow until it ends; Ctrl-C leaves it alive."""
    if endpoint is None:
        raise ConfigError(
            "there is no Kubeflow endpoint to follow a run on",
            expected="--endpoint URL, or KF_PIPELINES_ENDPOINT",
        )
    console = _console()
    view = _view(console)
    _follow(_connect(endpoint, view), run_id, console, view, json_file)


def _follow(
    service: KubeflowService, run_id: str, console: Console, view: RunView, json_file: Path | None
) -> None:
    from pipelines.runners.kubeflow_follow import Follower

    view.say(f"run       {run_id}")
    follower = Follower(service, run_id, view, PATIENCE)
    view.say(f"page      {follower.page}")
    close_run(follower.follow(), console, json_file)


def _connect(endpoint: Endpoint, view: RunView) -> KubeflowService:
    try:
        from pipelines.runners.kubeflow_service import KubeflowService
    except ImportError as error:
        raise ConfigError(
            "the Kubeflow client is not installed",
            found=error.name,
            fix="pip install 'papergarden[pipelines]'",
        ) from error
    return KubeflowService(endpoint, PATIENCE, _notices(view))


def _notices(view: RunView) -> Callable[[str], None]:
    """Says what there is to notice; what was said just before is not said again."""
    last = ""

    def say(line: str) -> None:
        nonlocal last
        if line != last:
            view.say(f"notice    {line}")
        last = line

    return say


def _console() -> Console:
    # This very stream: upstream's client prints, and is kept quiet by another one.
    return Console(highlight=False, file=sys.stdout)


def _view(console: Console) -> RunView:
    from pipelines.runners.live_table import LiveTable
    from pipelines.runners.local_run import RunView

    return RunView(
        say=lambda line: console.print(line, markup=False, soft_wrap=True),
        table=lambda: LiveTable(console),
    )


def _tell_recurring_run(
    identifier: str,
    endpoint: Endpoint,
    submission: Submission,
    view: RunView,
    json_file: Path | None,
) -> None:
    page = endpoint.page("recurringrun", identifier)
    view.say(f"schedule  {submission.schedule} (second first; by the cluster's clock, mostly UTC)")
    view.say(f"recurring {identifier}")
    view.say(f"page      {page}")
    view.say(f"stop it   kfp --endpoint {endpoint.shown} recurring-run delete {identifier}")
    if json_file:
        outcome = {
            "pipeline": submission.cluster.pipeline,
            "recurring_run_id": identifier,
            "schedule": submission.schedule,
            "experiment": submission.experiment,
            "arguments": dict(submission.arguments),
            "paths": {"page": page},
        }
        write_json(json_file, json.dumps(outcome, indent=2, sort_keys=True))
