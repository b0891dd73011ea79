"""`papergarden compile`: pipelines as Kubeflow's YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from components.errors import ConfigError
from pipelines.registry import PIPELINES, find_pipeline


def compile_pipelines(
    pipeline: Annotated[
        Optional[str],  # noqa: UP045 - typer reads this on Python 3.10
        typer.Argument(help="A pipeline that `papergarden list` names."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every pipeline.")] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder that gets one file a pipeline.")
    ] = Path("kfp/compiled"),
    accelerator: Annotated[
        str, typer.Option(help="What training asks the cluster for: gpu, tpu or none.")
    ] = "gpu",
    cluster: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="KEY=VALUE",
            help="Override what the cluster offers, as nodes.Trainer.memory=64Gi; may be repeated.",
        ),
    ] = None,
) -> None:
    """Compile pipelines for Kubeflow Pipelines."""
    if every == (pipeline is not None):
        raise ConfigError(
            "nothing to compile" if pipeline is None else "--all and a name exclude each other",
            expected="the name of a pipeline, or --all",
        )
    names = list(PIPELINES) if pipeline is None else [pipeline]
    for name in names:
        find_pipeline(name)
    from pipelines.runners.kubeflow_cluster import cluster_config

    # A mistyped key is told before the seconds that TFX takes.
    clusters = {name: cluster_config(name, accelerator, cluster or ()) for name in names}
    typer.echo("loading   TFX (some 15 s)", err=True)
    from pipelines.runners.kubeflow import compile_pipeline

    for name, offered in clusters.items():
        path = output / f"{name}.yaml"
        compile_pipeline(offered, path)
        typer.echo(str(path))
