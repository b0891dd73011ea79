"""Pictures that any paper's report can use: curves, signals, heat maps, waveforms.

Charts are SVG whose colours are the page's CSS variables, so that they follow light and dark. The
variables are put in place of the marker colours below, which no chart uses otherwise.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.reports.content import Picture, ReferenceLine, ReferencePoint

#: marker colour -> CSS variable of the page.
_MARKERS = {
    "#010203": "var(--ink)",
    "#010204": "var(--muted)",
    "#010205": "var(--rule)",
    "#010211": "var(--series-1)",
    "#010212": "var(--series-2)",
    "#010213": "var(--series-3)",
    "#010214": "var(--series-4)",
    "#010215": "var(--series-5)",
    "#010216": "var(--series-6)",
}
INK, MUTED, RULE, *SERIES = _MARKERS

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "papergarden",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}

Values = NDArray[np.floating[Any]]


@contextmanager
def chart(width: float, height: float, rows: int = 1) -> Iterator[tuple[Any, Any]]:
    """Gives a figure of the given size in pixels and its axes, one below the other.

    Yields:
        The figure and an array of `rows` axes that share x.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        figure.patch.set_alpha(0.0)
        FigureCanvasSVG(figure)
        axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
        for one in axes:
            one.patch.set_alpha(0.0)
            one.tick_params(length=0)
        yield figure, axes


def chart_svg(figure: Any) -> bytes:
    """Returns a figure as SVG to put into a page: no prologue, no ids, the page's colours."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<g id=\"[^\"]*\"", "<g", text)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    for marker, variable in _MARKERS.items():
        text = text.replace(marker, variable)
    return text.encode()


def curves(
    title: str,
    series: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    *,
    unit: str = "",
    logarithmic: bool = False,
    references: Sequence[ReferencePoint] = (),
    reference_name: str = "",
    lines: Sequence[ReferenceLine] = (),
    width: float = 500.0,
) -> Picture:
    """Draws values over training steps.

    Args:
        title: Above the chart.
        series: name -> (steps, values); NaN leaves a gap.
        unit: Of the values.
        logarithmic: Ask for a logarithmic y axis; it is used if the values are positive and span
            a decade.
        references: Points of somebody else's curve.
        reference_name: Whose.
        lines: Levels to hold the curves against.
        width: In pixels of the page.
    """
    with chart(width, 250) as (figure, (axes,)):
        for (name, (steps, values)), colour in zip(
            series.items(), [one for _ in series for one in SERIES], strict=False
        ):
            marker = "o" if len(steps) < 3 else ""
            axes.plot(
                steps, values, color=colour, label=_literal(name), marker=marker, markersize=4
            )
        if references:
            steps = [point.step for point in references]
            heights = [point.value for point in references]
            axes.plot(
                *(steps, heights),
                linestyle="none",
                marker="D",
                markersize=4.5,
                color=SERIES[1],
                label=reference_name,
            )
        for line in lines:
            _draw_level(axes, line)
        values = np.concatenate([np.asarray(one, float) for _, one in series.values()])
        finite = values[np.isfinite(values)]
        if logarithmic and finite.size and 0 < 10 * finite.min() <= finite.max():
            axes.set_yscale("log")
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.set_ylabel(unit)
        axes.margins(x=0.02)
        if len(series) > 1 or references:
            axes.legend()
        return Picture(chart_svg(figure), f"{title} over the steps", "image/svg+xml")


def _draw_level(axes: Any, line: ReferenceLine) -> None:
    axes.axhline(line.value, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.annotate(
        _literal(line.name),
        (1.01, line.value),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        annotation_clip=False,
        fontsize=9.5,
        color=MUTED,
    )


def _literal(text: str) -> str:
    """Returns text that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def waveforms(
    panels: Mapping[str, Values], rate: int, *, height: float = 90.0, columns: int = 900
) -> Picture:
    """Draws sounds one below the other on one time axis, as lowest to highest value per column.

    Args:
        panels: title -> samples `[samples]` in [-1, 1].
        rate: Samples a second.
        height: Of one panel, in pixels.
        columns: Points along the time axis.
    """
    with chart(1000, height * len(panels) + 30, rows=len(panels)) as (figure, axes):
        for axis, (title, samples), colour in zip(
            axes, panels.items(), [one for _ in panels for one in SERIES], strict=False
        ):
            low, high = envelope(samples, columns)
            seconds = np.linspace(0, len(samples) / rate, len(low), endpoint=False)
            axis.fill_between(seconds, low, high, color=colour, linewidth=0.6)
            axis.set_title(title)
            axis.margins(x=0)
        axes[-1].set_xlabel("seconds")
        return Picture(chart_svg(figure), "Waveforms: " + ", ".join(panels), "image/svg+xml")


def waveform_png(samples: Values, rate: int, columns: int = 1200) -> bytes:
    """Returns a sound's waveform as a PNG file, for where SVG cannot be shown."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 2.4), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    low, high = envelope(samples, columns)
    seconds = np.linspace(0, len(samples) / rate, len(low), endpoint=False)
    axes.fill_between(seconds, low, high, linewidth=0.6)
    axes.set_xlabel("seconds")
    axes.margins(x=0)
    buffer = io.BytesIO()
    canvas.print_png(buffer)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def overlay(series: Mapping[str, Values], rate: int, first: int) -> Picture:
    """Draws a short stretch of sounds over one another.

    Args:
        series: name -> samples `[samples]` in [-1, 1].
        rate: Samples a second.
        first: Number of the first sample within the whole sound.
    """
    with chart(1000, 200) as (figure, (axes,)):
        # Each line is thinner than the one below it, so that equal ones are both seen.
        for number, (name, samples) in enumerate(series.items()):
            milliseconds = (first + np.arange(len(samples))) / rate * 1000
            style = {"color": SERIES[number], "linewidth": 4 / (1 + 2 * number)}
            axes.plot(milliseconds, samples, label=name, **style)
        axes.set_xlabel("milliseconds")
        axes.margins(x=0)
        axes.legend(ncols=len(series), loc="lower right", bbox_to_anchor=(1, 0.97))
        return Picture(chart_svg(figure), "A short stretch, overlaid", "image/svg+xml")


def envelope(samples: Values, columns: int) -> tuple[Values, Values]:
    """Returns the lowest and the highest sample of each of at most `columns` equal stretches."""
    count = min(columns, len(samples))
    starts = np.linspace(0, len(samples), count, endpoint=False).astype(int)
    return np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
