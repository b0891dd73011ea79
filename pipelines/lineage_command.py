"""`papergarden lineage`: what made a run or a pushed model."""

from __future__ import annotations

from pathlib import Path

from components.errors import ConfigError
from components.evaluators.verdict import read_verdict
from components.lineage.metadata_uri import connect
from components.lineage.picture import as_png, as_svg
from components.lineage.query import list_runs, model_lineage, run_lineage
from components.lineage.render import as_json, as_text, runs_as_text


def show_lineage(
    target: str | None, metadata_uri: str, *, as_json_text: bool, picture: Path | None
) -> str:
    """The lineage of a run or a model as text.

    Args:
        target: A run id, a model's folder, or None for the list of runs.
        metadata_uri: The store that the runs were recorded in.
        as_json_text: JSON instead of prose.
        picture: Also write the graph to this `.svg` or `.png` file.

    Raises:
        ConfigError: If the picture has another ending, or the URI names no store.
        RunError: If the store cannot be opened.
        LineageError: If nothing of that name is known.
    """
    store = connect(metadata_uri, read_only=True)
    if target is None:
        return runs_as_text(list_runs(store)).rstrip("\n")
    is_folder = "/" in target or Path(target).is_dir()
    find = model_lineage if is_folder else run_lineage
    lineage = find(store, target, read_verdict=read_verdict)
    if picture is not None:
        if picture.suffix == ".svg":
            picture.write_text(as_svg(lineage))
        elif picture.suffix == ".png":
            picture.write_bytes(as_png(lineage))
        else:
            raise ConfigError("--picture writes .svg or .png", found=picture)
    return (as_json(lineage) if as_json_text else as_text(lineage)).rstrip("\n")
