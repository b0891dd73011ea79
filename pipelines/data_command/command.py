"""The words of `papergarden data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from components.errors import ConfigError
from components.example_gens.dataset_downloads import ArchiveSet
from pipelines.datasets import DATASETS, find_dataset, recognise

FETCHABLE = tuple(name for name, entry in DATASETS.items() if entry.download)
MAKEABLE = tuple(name for name, entry in DATASETS.items() if entry.make)

app = typer.Typer(
    help="Fetch data sets, make generated ones, and check those that are there.",
    no_args_is_help=True,
)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(FETCHABLE)}.")],
    to: Annotated[Path, typer.Option(help="Folder to put it into.")] = Path("data"),
    url: Annotated[
        Optional[str],  # noqa: UP045 - typer reads this on Python 3.10
        typer.Option(
            help="Another server's address of the same archive (of several archives, of their "
            "folder); the checksum decides."
        ),
    ] = None,
    keep_archive: Annotated[
        bool, typer.Option("--keep-archive", help="Keep the archive when it is unpacked.")
    ] = False,
) -> None:
    """Download an official data set, check it and unpack it.

    What was interrupted goes on where it ended; what is there already is not fetched again.
    """
    entry = find_dataset(name)
    if entry.download is None:
        raise ConfigError(
            f"{name} cannot be fetched", found=entry.title, expected=" | ".join(FETCHABLE)
        )
    if url is not None and not url.startswith(("http://", "https://")):
        raise ConfigError("--url is no address of a server", found=url, expected="https://…")

    from pipelines.data_command.check import as_text, check
    from pipelines.data_command.fetch import fetch as fetch_archive
    from pipelines.data_command.fetch import fetch_set
    from pipelines.data_command.progress import ProgressView

    view = ProgressView(Console(stderr=True, highlight=False))
    try:
        if isinstance(entry.download, ArchiveSet):
            data_root, is_new = fetch_set(
                entry.download, to, view, url=url, keep_archive=keep_archive
            )
        else:
            data_root, is_new = fetch_archive(
                entry.download, to, view, url=url, keep_archive=keep_archive
            )
    except KeyboardInterrupt:
        view.say("stopped; the same command goes on from here")
        raise
    if not is_new:
        typer.echo(f"{data_root} is complete: nothing to fetch")
        if entry.run:
            typer.echo(f"run       {entry.run_command(str(data_root))}")
        return
    # A folder with two kinds of annotations is known by the kind that says more.
    name, found = check(str(data_root), recognise(str(data_root)) or name, view)
    typer.echo(as_text(str(data_root), name, found))
    if not found.is_sound:
        raise typer.Exit(1)


@app.command()
def make(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(MAKEABLE)}.")],
    to: Annotated[Path, typer.Option(help="Folder to put it into.")] = Path("data"),
    images: Annotated[int, typer.Option(help="Pictures in all.")] = 500,
    classes: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Classes; left out, as many as suit the data set."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Determines every picture.")] = 0,
) -> None:
    """Make a generated data set in the official layout of a real one, for machines without it."""
    entry = find_dataset(name)
    if not entry.make:
        raise ConfigError(
            f"{name} cannot be made", found=entry.title, expected=" | ".join(MAKEABLE)
        )
    data_root = to / f"generated-{name}"
    given = {} if classes is None else {"classes": classes}
    entry.load_maker()(data_root, images=images, seed=seed, **given)
    check_command(str(data_root), name)


@app.command("check")
def check_command(
    data_root: Annotated[str, typer.Argument(metavar="DIR", help="The data set's folder.")],
    dataset: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="What it is, if it is not recognised: " + ", ".join(DATASETS) + "."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Read every record as a run will, and say what is there and what cannot be used.

    Exit codes: 0 every record can be used, 1 not so.
    """
    from pipelines.data_command import check
    from pipelines.data_command.progress import ProgressView

    view = ProgressView(Console(stderr=True, highlight=False))
    name, found = check.check(data_root, dataset, view)
    typer.echo((check.as_json if as_json else check.as_text)(data_root, name, found))
    if not found.is_sound:
        raise typer.Exit(1)
