"""Precision over recall, the mean over categories."""

from __future__ import annotations

import numpy as np

from components.evaluators.average_precision import RECALL_LEVELS
from components.evaluators.category_values import CategoryValues
from components.reports.content import Picture
from components.reports.figures import SERIES, chart, chart_svg

_PREFIX = "precision_"
_SHOWN = {"precision_50": "overlap 0.5", "precision_75": "overlap 0.75"}


def precision_picture(title: str, values: CategoryValues, width: float = 500.0) -> Picture | None:
    """Draws precision at overlaps of 0.5 and 0.75, and the mean over all ten.

    Args:
        title: Above the chart.
        values: Of `ap` or `mask_ap`.
        width: In pixels of the page.

    Returns:
        None where there was nothing to find.
    """
    curves = {
        name: np.asarray(curve, float)
        for name, curve in values.curves.items()
        if name.startswith(_PREFIX)
    }
    if not curves or np.isnan(np.concatenate(list(curves.values()))).any():
        return None
    drawn = {words: curves[name] for name, words in _SHOWN.items() if name in curves}
    drawn[f"mean over {len(curves)} overlaps"] = np.mean(list(curves.values()), axis=0)
    with chart(width, 300) as (figure, (axes,)):
        for (words, precision), colour in zip(drawn.items(), SERIES, strict=False):
            axes.plot(
                RECALL_LEVELS, precision, color=colour, label=f"{words}: {precision.mean():.1%}"
            )
        axes.set_title(title)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.legend()
        return Picture(chart_svg(figure), f"{title}: precision over recall", "image/svg+xml")
