"""Charts that a paper asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from xml.etree import ElementTree

from components.reports.content import Chart, ReferenceLine
from components.reports.figures import curves
from components.reports.history import History
from components.reports.report import Report

STEPS = [1, 2, 3]
HISTORY = History(
    {
        "loss": (STEPS, [9.0, 8.0, 7.0]),
        "generator": (STEPS, [9.0, 8.0, 7.0]),
        "information": (STEPS, [3.0, 2.0, 1.0]),
        "code_accuracy": (STEPS, [0.1, 0.2, 0.3]),
        "learning_rate": (STEPS, [0.1, 0.1, 0.1]),
        "new_term": (STEPS, [0.5, 0.4, 0.3]),
    }
)
CHARTS = (
    Chart(
        "Information", ("information", "absent"), (ReferenceLine("unread", 5.0),), "Dashed: unread."
    ),
    Chart("Absent", ("not_there",)),
    Chart("Sums", ("generator", "loss"), logarithmic=True),
)


def texts(report: Report) -> dict[str, list[str]]:
    """Title -> what stands in the chart."""
    return {
        chart.alt.removesuffix(" over the steps"): [
            text.strip() for text in ElementTree.fromstring(chart.svg).itertext() if text.strip()
        ]
        for chart in report.charts
    }


def report_with(report_of: Callable[..., Report], charts: tuple[Chart, ...]) -> Report:
    content = dataclasses.replace(report_of().content, charts=charts, references=())
    return report_of(content=content, history=HISTORY)


def test_papers_charts_come_first_and_the_rest_is_drawn_as_ever(
    report_of: Callable[..., Report],
) -> None:
    charts = texts(report_with(report_of, CHARTS))
    assert list(charts) == ["Information", "Sums", "Accuracy", "Learning rate", "Loss"]
    # A curve like the loss's is left out only where nobody asked for it.
    assert {"generator", "loss"} <= set(charts["Sums"])
    # Of a single curve the title is all that is told.
    assert "new_term" not in charts["Loss"] and "loss" not in charts["Loss"]
    assert "absent" not in charts["Information"]


def test_note_stands_below_its_chart(report_of: Callable[..., Report]) -> None:
    captions = [chart.caption for chart in report_with(report_of, CHARTS).charts]
    assert captions == ["Dashed: unread.", "", "", "", ""]


def test_without_charts_of_its_own_a_paper_keeps_those_it_had(
    report_of: Callable[..., Report],
) -> None:
    charts = texts(report_with(report_of, ()))
    assert list(charts) == ["Accuracy", "Learning rate", "Loss"]
    assert {"loss", "information", "new_term"} <= set(charts["Loss"])
    assert "generator" not in charts["Loss"]


def test_level_is_drawn_and_named_inside_the_chart() -> None:
    series = {"information": (STEPS, [3.0, 2.0, 1.0])}
    bare = ElementTree.fromstring(curves("x", series).svg)
    picture = curves("x", series, lines=[ReferenceLine("unread: $ln$", 30.0)])
    drawn = ElementTree.fromstring(picture.svg)
    words = [text.strip() for text in drawn.itertext() if text.strip()]
    assert "unread: $ln$" in words
    assert "30" in words  # the axis reaches it
    assert "30" not in [text.strip() for text in bare.itertext()]

    def dashed(root: ElementTree.Element) -> int:
        return sum("stroke-dasharray" in str(one.attrib) for one in root.iter())

    assert dashed(drawn) == dashed(bare) + 1
