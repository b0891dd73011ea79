"""Where the gammas of BatchNorm ended up, layer by layer: the paper's view into its networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.reports.content import Picture
from components.reports.figures import INK, MUTED, RULE, SERIES, chart, chart_svg
from components.trainers.only_bn.disabled_features import DISABLED_GAMMA

#: Deeper networks have neighbouring layers drawn together.
MOST_ROWS = 24
_BINS = 48
_ROW_HEIGHT = 26
# Of the rows' distance.
_RIDGE_HEIGHT = 0.95
_OUTLIERS = 0.2


@dataclass(frozen=True)
class GammaRow:
    """The gammas of one layer, or of neighbours.

    Attributes:
        label: Numbers of the layers, counted from 1 at the input.
        gammas: Of all their channels.
    """

    label: str
    gammas: NDArray[np.float32]

    @property
    def disabled(self) -> float:
        """The share of disabled features, [0, 1]."""
        return disabled_share(self.gammas)


def disabled_share(gammas: NDArray[np.float32]) -> float:
    """The share of gammas that switch their feature off, [0, 1]."""
    return float(np.mean(np.abs(gammas) < DISABLED_GAMMA))


def gamma_rows(gammas: Sequence[NDArray[np.float32]], most: int = MOST_ROWS) -> list[GammaRow]:
    """Returns one row for all layers, then one for each, or for equally many neighbours.

    Args:
        gammas: Of each BatchNorm from input to output, `[channels]`.
        most: Rows at most, besides the one for all.
    """
    rows = [GammaRow("all", np.concatenate(gammas))]
    for numbers in np.array_split(np.arange(len(gammas)), min(most, len(gammas))):
        first, last = int(numbers[0]), int(numbers[-1])
        label = f"{first + 1}" if first == last else f"{first + 1}\u2013{last + 1}"
        rows.append(GammaRow(label, np.concatenate(gammas[first : last + 1])))
    return rows


def gamma_picture(gammas: Sequence[NDArray[np.float32]]) -> Picture:
    """Draws the histograms of the gammas below one another, the input's on top.

    Args:
        gammas: Of each BatchNorm from input to output, `[channels]`.
    """
    rows = gamma_rows(gammas)
    edges = _edges(rows[0].gammas)
    # Square roots: what is disabled stands in one bin and would flatten all the rest.
    heights = [np.sqrt(_histogram(row.gammas, edges)) for row in rows]
    # Gammas that are not numbers leave every bin empty.
    scale = _RIDGE_HEIGHT / (max(float(height.max()) for height in heights) or 1.0)
    with chart(1000, _ROW_HEIGHT * (len(rows) + 2) + 50) as (figure, (axes,)):
        for number, height in enumerate(heights):
            colour = SERIES[1] if number == 0 else SERIES[0]
            values = number - scale * np.append(height, height[-1])
            style = {"step": "post", "color": colour, "alpha": 0.45, "linewidth": 0}
            axes.fill_between(edges, values, number, zorder=number + 3, **style)
            axes.step(edges, values, where="post", color=colour, linewidth=1, zorder=number + 3)
            axes.text(
                *(1.01, number, f"{rows[number].disabled:.0%}"),
                transform=axes.get_yaxis_transform(),
                color=INK,
                va="center",
            )
        axes.text(
            *(1.01, -1.0, "disabled"),
            transform=axes.get_yaxis_transform(),
            color=MUTED,
            va="center",
        )
        axes.axvline(0.0, color=RULE, linewidth=1.2)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(len(rows) - 0.6, -1.7)
        axes.set_yticks(range(len(rows)), [row.label for row in rows])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("gamma")
        axes.set_ylabel("BatchNorm, from input to output")
        return Picture(chart_svg(figure), "Histograms of gamma by layer", "image/svg+xml")


def _edges(gammas: NDArray[np.float32]) -> NDArray[np.float64]:
    """Bins over nearly all gammas, of which one is centred on 0."""
    finite = gammas[np.isfinite(gammas)]
    low, high = np.percentile(finite, [_OUTLIERS, 100 - _OUTLIERS]) if finite.size else (0.0, 0.0)
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    width = max(high - low, 2 * DISABLED_GAMMA) / _BINS
    first, last = np.floor(low / width - 0.5), np.ceil(high / width + 0.5)
    return np.asarray((np.arange(first, last + 1) + 0.5) * width)


def _histogram(gammas: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the gammas in each bin; what lies outside counts in the outermost."""
    inside = np.clip(gammas[np.isfinite(gammas)], edges[0], edges[-1])
    return np.histogram(inside, edges)[0] / max(len(gammas), 1)
