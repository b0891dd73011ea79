"""How generated sets are written once, and known again by the numbers they were made with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from components.errors import ConfigError


def is_there(
    directory: Path, settings_file: str, settings: Mapping[str, Any], unfinished: AbstractSet[str]
) -> bool:
    """Whether a set of these settings is there.

    Args:
        directory: The set's.
        settings_file: Its file that is written last, with the settings.
        settings: The wanted ones.
        unfinished: Names that an interrupted attempt may have left.

    Raises:
        ConfigError: The directory holds anything else.
    """
    found = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    path = directory / settings_file
    if path.is_file() and path.read_text() == described(settings):
        return True
    if set(found) <= unfinished:
        return False
    raise ConfigError(
        f"{directory} holds something else",
        found=", ".join(found[:5]),
        expected="an empty directory, or a set generated with the same numbers",
        fix="name another directory, or remove this one",
    )


def described(settings: Mapping[str, Any]) -> str:
    """The content of the file of the settings."""
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def write_text(path: Path, content: str) -> None:
    """Writes a file so that another process sees all of it or nothing."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(content)
    unfinished.replace(path)
