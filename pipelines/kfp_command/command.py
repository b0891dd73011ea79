"""Runs what `kfp run <registered pipeline>` asks for, as `papergarden run` does."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

from pipelines.endpoint_options import ENDPOINT_VARIABLES
from pipelines.kfp_command.words import Request


def translate(request: Request, environment: MutableMapping[str, str]) -> list[str]:
    """The words of `papergarden` that do what the request says.

    The endpoint becomes an option. Other global options, credentials among them, are left where
    upstream's command also takes them from, in `KFP_<OPTION>` variables, not in the words.

    Args:
        request: The command line.
        environment: The process's variables; global options are added to them.

    Returns:
        Arguments of `pipelines.cli.main`.
    """
    endpoint = request.global_options.get("endpoint")
    for variable in ENDPOINT_VARIABLES:
        endpoint = endpoint or environment.get(variable)
    for option, value in request.global_options.items():
        environment[f"KFP_{option.upper()}"] = value
    named_later = any(word.partition("=")[0] == "--endpoint" for word in request.words)
    chosen = ["--endpoint", endpoint] if endpoint and not named_later else []
    return ["run", request.pipeline, *chosen, *request.words]


def run_registered(request: Request) -> int:
    """Runs the request's pipeline.

    Returns:
        The exit code of `papergarden run`.
    """
    from pipelines.cli import main

    words = translate(request, os.environ)
    if not {"--endpoint", "--help"} & {word.partition("=")[0] for word in words}:
        sys.stderr.write("no Kubeflow endpoint is configured: running on this machine\n")
    return main(words)
