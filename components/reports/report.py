"""Everything a report says, gathered from the run; `render.py` makes a page and JSON of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from components.evaluators.benchmark_metrics import BENCHMARK_METRICS
from components.evaluators.verdict import Verdict
from components.lineage.graph import RunLineage, is_resolver
from components.lineage.render import duration, original_seconds
from components.reports.benchmark import BenchmarkRow, benchmark_rows, metric_title
from components.reports.content import Chart, PaperContent, Picture, ReferencePoint
from components.reports.figures import curves
from components.reports.history import History

_TOTAL_LOSS = "loss"
_PAGE_WIDTH = 1000.0
_QUALITY_PREFIXES = ("psnr", "snr", "ssim", "accuracy", "fid", "ap", "pq")
_LOSSES, _RATE = "Loss", "Learning rate"
# End of a curve's name -> the chart that it shares with others of that kind.
_SHARED_CHARTS = {"accuracy": "Accuracy", "loss": _LOSSES, "learning_rate": _RATE}
# The qualities come first.
_ORDER = {_RATE: 1, _LOSSES: 2}
_OF_TEST = "test_"

Curve = tuple[list[int], list[float]]


@dataclass(frozen=True)
class NodeTime:
    """How long a node took.

    Attributes:
        seconds: Its time in this run; None while it has not finished or if it was reused.
        original_seconds: How long the reused work once took.
        share: Of the longest node's time, [0, 1].
        code_digest: Over the sources of the modules it uses; empty for nodes of TFX's own.
    """

    node_id: str
    state: str
    seconds: float | None
    original_seconds: float | None = None
    share: float = 0.0
    code_digest: str = ""

    @property
    def shown(self) -> str:
        """The time in words."""
        if self.state == "cached":
            return f"reused, once took {duration(self.original_seconds)}"
        return duration(self.seconds)


@dataclass(frozen=True)
class Report:
    """All that a report shows.

    Attributes:
        paper: The paper's short name.
        task: The configuration's task; empty for papers with one.
        content: The paper's own part.
        lineage: Of the run so far.
        verdict: None where there is no evaluation.
        environment: Versions and hardware, name -> value.
        config: The resolved configuration.
        created_ms: When the report was made, milliseconds since 1970.
    """

    paper: str
    task: str
    content: PaperContent
    lineage: RunLineage
    verdict: Verdict | None
    history: History = field(default_factory=History)
    environment: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    created_ms: int = 0

    @property
    def benchmark(self) -> list[BenchmarkRow]:
        """This run's values beside the paper's and others'."""
        return benchmark_rows(
            self.verdict, self.paper, self.task, self.history.num_steps, self.content.protocol
        )

    @property
    def node_times(self) -> list[NodeTime]:
        """The nodes in the order they started."""
        graph = self.lineage.graph
        longest = max([one.seconds or 0.0 for one in graph.executions], default=0.0)
        return [
            NodeTime(
                node_id=one.node_id,
                state="resolved" if is_resolver(one) else one.state.lower(),
                seconds=None if one.state == "CACHED" else one.seconds,
                original_seconds=original_seconds(graph, one) if one.state == "CACHED" else None,
                share=_share(None if one.state == "CACHED" else one.seconds, longest),
                code_digest=self.lineage.code_digests.get(one.node_id, ""),
            )
            for one in graph.executions
        ]

    @property
    def charts(self) -> list[Picture]:
        """The curves of the training: the paper's charts, one a quality, and one of all losses."""
        charts = [*self.content.charts, *self._other_charts()]
        drawn = [(chart, group) for chart in charts if (group := self._curves_of(chart))]
        columns = chart_columns(len(drawn))
        pictures = [
            curves(
                chart.title,
                group,
                unit=_unit(group),
                logarithmic=chart.logarithmic,
                references=[point for name in group for point in self._references(name)],
                reference_name=self.content.reference_name,
                lines=chart.lines,
                width=_PAGE_WIDTH / columns,
            )
            for chart, group in drawn
        ]
        return [
            replace(picture, caption=chart.note)
            for picture, (chart, _) in zip(pictures, drawn, strict=True)
        ]

    def _curves_of(self, chart: Chart) -> dict[str, Curve]:
        present = self.history.curves
        return {name: present[name] for name in chart.curves if name in present}

    def _other_charts(self) -> list[Chart]:
        """Charts of the curves that the paper has no chart for."""
        groups: dict[str, list[str]] = {}
        named = {name for chart in self.content.charts for name in chart.curves}
        total = self.history.curves.get(_TOTAL_LOSS)
        # What is measured on the test records has the same colour in each chart.
        for name, curve in sorted(
            self.history.curves.items(), key=lambda item: item[0].startswith(_OF_TEST)
        ):
            if name in named or (curve == total and name != _TOTAL_LOSS):
                continue  # it has a chart, or is the only term of the loss
            groups.setdefault(_chart_of(name), []).append(name)
        return [
            Chart(title, tuple(names), logarithmic=title == _LOSSES)
            for title, names in sorted(groups.items(), key=lambda item: _ORDER.get(item[0], 0))
        ]

    def _references(self, metric: str) -> list[ReferencePoint]:
        return [
            point
            for point in self.content.references
            if point.metric == metric and point.step <= self.history.num_steps
        ]


def chart_columns(count: int) -> int:
    """Returns how many charts stand side by side."""
    return 3 if count and count % 3 == 0 else min(2, max(1, count))


def _chart_of(curve: str) -> str:
    """The title of the chart that a curve is drawn in."""
    for ending, title in _SHARED_CHARTS.items():
        if curve.endswith(ending):
            return title
    if (curve in BENCHMARK_METRICS and curve != "mse") or curve.startswith(_QUALITY_PREFIXES):
        return metric_title(curve)
    return _LOSSES


def _unit(names: Iterable[str]) -> str:
    """The unit of curves in one chart; that of the first, for they are of one kind."""
    name = next(iter(names))
    return BENCHMARK_METRICS[name].unit if name in BENCHMARK_METRICS else ""


def _share(seconds: float | None, longest: float) -> float:
    return seconds / longest if seconds and longest else 0.0
