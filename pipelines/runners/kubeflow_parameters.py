"""The parameters of a compiled pipeline: what a run chooses, also from Kubeflow's own page.

Every one is a string. `overrides` and `beam_options` are lists: JSON, `["training.steps=500"]`, or
words as in a shell, `training.steps=500 task=audio`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable

from components.errors import ConfigError

PARAMETERS = ("preset", "data_root", "root", "overrides", "beam_options")


def default_arguments(mount_path: str) -> dict[str, str]:
    """The parameters' defaults.

    Args:
        mount_path: Where tasks see the volume.
    """
    return {
        "preset": "sample",
        "data_root": "",
        "root": f"{mount_path.rstrip('/')}/runs",
        "overrides": "[]",
        "beam_options": "[]",
    }


def run_arguments(
    *,
    preset: str,
    data_root: str | None = None,
    root: str | None = None,
    overrides: Iterable[str] = (),
    beam_options: Iterable[str] = (),
) -> dict[str, str]:
    """The arguments of a run, as Kubeflow's client takes them; defaults are left away.

    Args:
        preset: One of the paper's.
        data_root: The data set as the cluster's tasks see it; None takes the paper's sample data.
        root: Where the run leaves everything, as the tasks see it; None takes the default.
        overrides: `key=value`, as `papergarden run --set` takes them.
        beam_options: `option=value`, as `papergarden run --beam` takes them.
    """
    given = {
        "preset": preset,
        "data_root": data_root,
        "root": root,
        "overrides": json.dumps(list(overrides)),
        "beam_options": json.dumps(list(beam_options)),
    }
    return {name: value for name, value in given.items() if value and value != "[]"}


def parse_list(name: str, text: str) -> tuple[str, ...]:
    """The strings of a list parameter.

    Args:
        name: The parameter.
        text: JSON, or words as in a shell.

    Raises:
        ConfigError: If it is neither.
    """
    try:
        values = json.loads(text) if text.lstrip().startswith("[") else shlex.split(text)
    except ValueError as error:
        raise _unreadable(name, text) from error
    if not all(isinstance(value, str) for value in values):
        raise _unreadable(name, text)
    return tuple(values)


def _unreadable(name: str, text: str) -> ConfigError:
    return ConfigError(
        f"the parameter {name} is no list of strings",
        found=text,
        expected='JSON, ["training.steps=500"], or words, training.steps=500',
    )
