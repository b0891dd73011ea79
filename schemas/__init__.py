"""The curated schemas of the data sets, and what is known about each (`<name>.md`)."""

from __future__ import annotations

from pathlib import Path

from components.errors import ConfigError


def schema_path(name: str) -> Path:
    """The path of a curated schema.

    Args:
        name: Without ending, for example `signal_image`.

    Raises:
        ConfigError: There is no such schema.
    """
    folder = Path(__file__).parent
    path = folder / f"{name}.pbtxt"
    if not path.is_file():
        raise ConfigError(
            "no such schema",
            found=name,
            expected=" or ".join(sorted(one.stem for one in folder.glob("*.pbtxt"))),
        )
    return path
