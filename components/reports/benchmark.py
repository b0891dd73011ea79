"""The table that sets this run beside the paper and beside what others measured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.evaluators.benchmark_metrics import BENCHMARK_METRICS, RECORDS_EVALUATED
from components.evaluators.paper_results import PaperResult, paper_results
from components.evaluators.verdict import Verdict
from components.lineage.facts import format_number

_AFTER_STEPS = re.compile(r"after ([\d,]+) steps")
# A metric `name` may come with `name_low` and `name_high`, its confidence interval.
_LOW, _HIGH = "_low", "_high"
# Within longer names.
_ABBREVIATIONS = frozenset({"ap", "ar", "pq", "rq", "sq"})


@dataclass(frozen=True)
class BenchmarkRow:
    """One value of one metric.

    Attributes:
        metric: The metric's name.
        who: `this run`, `baseline`, or whose value it is.
        shown: The value with its unit.
        value: The value.
        protocol: What it depends on.
        verified: Whether its source was read, or it was measured.
        ours: Whether it is this run's own.
    """

    metric: str
    who: str
    shown: str
    value: float
    protocol: str
    verified: bool = True
    ours: bool = False


def benchmark_rows(
    verdict: Verdict | None, paper: str, task: str, steps: int, protocol: str
) -> list[BenchmarkRow]:
    """Returns every value to compare, metric by metric, this run's own first.

    Args:
        verdict: Holds the measured values.
        paper: Whose results to compare with.
        task: The configuration's task.
        steps: Updates this run made; of a series of others' values the nearest is taken.
        protocol: What this run's values depend on.
    """
    metrics = verdict.metrics if verdict else {}
    baseline = (verdict.baseline_metrics if verdict else None) or {}
    others = _nearest(paper_results(paper, task), steps)
    names = dict.fromkeys([*metrics, *(result.metric for result in others)])
    for name in [one for one in names if one == RECORDS_EVALUATED or _is_bound(one, metrics)]:
        del names[name]
    rows: list[BenchmarkRow] = []
    for name in names:
        if name in metrics:
            value = metrics[name]
            text = _shown_with_interval(name, metrics)
            rows.append(BenchmarkRow(name, "this run", text, value, protocol, ours=True))
        if name in baseline:
            value = baseline[name]
            rows.append(
                BenchmarkRow(
                    *(name, "baseline", _shown_with_interval(name, baseline), value),
                    "the latest blessed model before this one, on the same records",
                )
            )
        rows += [
            BenchmarkRow(
                *(name, result.source, shown(name, result.value), result.value),
                f"{result.item}: {result.protocol}",
                result.verified,
            )
            for result in others
            if result.metric == name
        ]
    return rows


def shown(metric: str, value: float) -> str:
    """Returns a metric's value as people read it, with its unit."""
    unit = BENCHMARK_METRICS[metric].unit if metric in BENCHMARK_METRICS else ""
    return f"{format_number(value)} {unit}".rstrip()


def _shown_with_interval(name: str, metrics: Mapping[str, float]) -> str:
    text = shown(name, metrics[name])
    if not {name + _LOW, name + _HIGH} <= metrics.keys():
        return text
    low, high = (format_number(metrics[name + ending]) for ending in (_LOW, _HIGH))
    return f"{text} [{low}, {high}]"


def _is_bound(name: str, metrics: Mapping[str, float]) -> bool:
    """Whether it is an end of another metric's interval."""
    return any(
        name.endswith(ending) and name.removesuffix(ending) in metrics for ending in (_LOW, _HIGH)
    )


def metric_title(name: str) -> str:
    """Returns a metric's name as a title: `psnr` is an abbreviation, `cross_entropy` is words."""
    if "_" not in name:
        return name.upper()
    words = [word.upper() if word in _ABBREVIATIONS else word for word in name.split("_")]
    title = " ".join(words)
    return title[0].upper() + title[1:]


def meanings(rows: Iterable[BenchmarkRow]) -> dict[str, str]:
    """Returns metric -> what it says, for those in the table."""
    names = dict.fromkeys(row.metric for row in rows)
    return {name: BENCHMARK_METRICS[name].meaning for name in names if name in BENCHMARK_METRICS}


def headline(
    verdict: Verdict | None, facts: Mapping[str, Any], chosen: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Returns the few numbers to show large: the metrics, then `facts` that are not empty.

    Args:
        verdict: Holds the metrics.
        facts: What else there is to show.
        chosen: The metrics to show, of those that were measured; empty shows all.
    """
    metrics = verdict.metrics if verdict else {}
    if chosen:
        metrics = {name: metrics[name] for name in chosen if name in metrics}
    tiles = [
        (metric_title(name), shown(name, value))
        for name, value in metrics.items()
        if name != RECORDS_EVALUATED and not _is_bound(name, metrics)
    ]
    return tiles + [(name, str(value)) for name, value in facts.items() if value not in ("", None)]


def _nearest(results: Sequence[PaperResult], steps: int) -> list[PaperResult]:
    """Of the values that one source gives of a metric after several steps, the nearest in steps."""
    kept: dict[tuple[str, str, str], PaperResult] = {}
    for number, result in enumerate(results):
        match = _AFTER_STEPS.search(result.item)
        series = "steps" if match else str(number)
        key = (result.metric, result.source, series)
        if key not in kept or _distance(result, steps) < _distance(kept[key], steps):
            kept[key] = result
    return list(kept.values())


def _distance(result: PaperResult, steps: int) -> float:
    match = _AFTER_STEPS.search(result.item)
    return abs(int(match.group(1).replace(",", "")) - steps) if match else 0.0
