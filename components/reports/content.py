"""What a report says, as plain data: the template lays it out, and papers add their sections.

A paper takes part with one module, `components/reports/<paper>_figures.py`, which holds

    def paper_content(inputs: PaperInputs) -> PaperContent: ...
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from components.errors import ConfigError


@dataclass(frozen=True)
class Picture:
    """A drawing or photograph.

    Attributes:
        data: The file's bytes; SVG is put into the page as it is and must escape its texts itself.
        media_type: `image/png` or `image/svg+xml`.
        caption: A line below it.
        alt: What it shows, for those who cannot see it.
        pixelated: Draw enlarged pixels as squares; for small signals.
        scale: Lowest and highest value of a heat map, in words; empty for other pictures.
    """

    data: bytes
    alt: str
    media_type: Literal["image/png", "image/svg+xml"] = "image/png"
    caption: str = ""
    pixelated: bool = False
    scale: tuple[str, str] | None = None

    @property
    def uri(self) -> str:
        """The picture inside a `src` attribute."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"

    @property
    def svg(self) -> str:
        """The picture as SVG text; empty if it is none."""
        return self.data.decode() if self.media_type == "image/svg+xml" else ""


@dataclass(frozen=True)
class Sound:
    """A sound to listen to; `data` is a wav file."""

    data: bytes
    caption: str

    @property
    def uri(self) -> str:
        """The sound inside a `src` attribute."""
        return f"data:audio/wav;base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True)
class PictureRow:
    """Pictures of equal width, side by side."""

    pictures: tuple[Picture, ...]
    label: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `numeric` names the columns (from 0) that are set right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True)
class Section:
    """A part of the report under its own heading."""

    title: str
    text: str = ""
    rows: tuple[PictureRow, ...] = ()
    sounds: tuple[Sound, ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class ReferencePoint:
    """A point of somebody else's curve: `value` of `metric` after `step` updates."""

    metric: str
    step: int
    value: float


@dataclass(frozen=True)
class ReferenceLine:
    """A level to hold curves against, at every step; its name stands in a chart's margin."""

    name: str
    value: float


@dataclass(frozen=True)
class Chart:
    """Curves that belong together.

    Attributes:
        title: Above the chart.
        curves: Their names, in the order of their colours; those that a run lacks are left out.
        lines: Levels to hold them against.
        note: A line below the chart.
        logarithmic: Ask for a logarithmic axis.
    """

    title: str
    curves: tuple[str, ...]
    lines: tuple[ReferenceLine, ...] = ()
    note: str = ""
    logarithmic: bool = False


@dataclass(frozen=True)
class PaperInputs:
    """What a paper's sections are made from.

    Attributes:
        config: The resolved configuration.
        example_files: TFRecord files of the split `eval`.
        transform_dir: The TransformGraph artifact.
        saved_model_dir: The exported model, with the signature `evaluate`.
        evaluation_dir: What the Evaluator measured.
    """

    config: Mapping[str, Any]
    example_files: tuple[str, ...]
    transform_dir: str
    saved_model_dir: str
    evaluation_dir: str = ""


@dataclass(frozen=True)
class PaperContent:
    """What a paper adds to a report.

    Attributes:
        title: The paper's title.
        authors: Authors and venue, in one line.
        subject: What this run did, in a few words.
        sections: Shown between the verdict and the curves.
        charts: Which curves share a chart, shown first and in this order; curves that are in none
            are grouped by their names' endings.
        headline: The metrics to show large, in this order; empty shows all.
        references: Points to draw into the curves, and `reference_name` to call them.
        protocol: What the numbers of this run depend on, in one line.
        files: File name -> bytes, written beside the report.
    """

    title: str
    authors: str
    subject: str
    sections: tuple[Section, ...] = ()
    charts: tuple[Chart, ...] = ()
    headline: tuple[str, ...] = ()
    references: tuple[ReferencePoint, ...] = ()
    reference_name: str = ""
    protocol: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)


def find_paper_content(paper: str) -> Callable[[PaperInputs], PaperContent]:
    """Returns the function that makes a paper's sections.

    Raises:
        ConfigError: No module of this package belongs to the paper.
    """
    name = f"components.reports.{paper}_figures"
    if not paper.isidentifier() or importlib.util.find_spec(name) is None:
        package = importlib.import_module("components.reports")
        papers = sorted(
            module.name.removesuffix("_figures")
            for module in pkgutil.iter_modules(package.__path__)
            if module.name.endswith("_figures")
        )
        raise ConfigError(
            "This paper has no pictures for its report",
            found=paper,
            expected=" | ".join(papers),
            fix=f"add components/reports/{paper}_figures.py with paper_content(inputs)",
        )
    function: Callable[[PaperInputs], PaperContent] = importlib.import_module(name).paper_content
    return function
