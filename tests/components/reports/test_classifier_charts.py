"""What a classifier's report draws of its training, and how its intervals are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.evaluators.verdict import Verdict
from components.reports.benchmark import benchmark_rows, headline
from components.reports.history import History
from components.reports.report import Report

STEPS = [0, 10, 20]
CURVES = {
    "test_accuracy": (STEPS, [0.1, 0.4, 0.7]),
    "test_loss": (STEPS, [2.3, 1.2, 0.6]),
    "loss": (STEPS, [2.3, 1.0, 0.2]),
    "train_accuracy": (STEPS, [0.1, 0.5, 0.9]),
    "learning_rate": (STEPS, [0.1, 0.1, 0.01]),
    "disabled_features": (STEPS, [0.0, 0.1, 0.3]),
}
METRICS = {"top_1": 0.5, "top_1_low": 0.41, "top_1_high": 0.59, "disabled_features": 0.25}


def test_curves_of_one_kind_share_a_chart(report_of: Callable[..., Report]) -> None:
    charts = {
        chart.alt.removesuffix(" over the steps"): chart.svg
        for chart in report_of(history=History(CURVES)).charts
    }
    assert list(charts) == ["Accuracy", "Disabled features", "Learning rate", "Loss"]
    # Those of the test records are drawn second, in the second colour, wherever they began.
    assert 0 < charts["Accuracy"].find("train_accuracy") < charts["Accuracy"].find("test_accuracy")
    assert 0 < charts["Loss"].find(">loss<") < charts["Loss"].find(">test_loss<")


def test_interval_stands_beside_its_metric() -> None:
    verdict = Verdict(True, [], METRICS, {"top_1": 0.4, "top_1_low": 0.3, "top_1_high": 0.5})
    rows = {
        (row.metric, row.who): row.shown
        for row in benchmark_rows(verdict, "only_bn", "cifar10", 20, "")
    }
    assert rows["top_1", "this run"] == "0.5 [0.41, 0.59]"
    assert rows["top_1", "baseline"] == "0.4 [0.3, 0.5]"
    assert rows["disabled_features", "this run"] == "0.25"
    assert rows["top_1", "paper (ICLR 2021), abstract"] == "0.82"
    assert {metric for metric, _ in rows} == {"top_1", "disabled_features"}
    assert headline(verdict, {}) == [("Top 1", "0.5"), ("Disabled features", "0.25")]


@pytest.mark.parametrize("metrics", [{"ends_low": 0.5}, {"top_1": 0.5, "top_1_low": 0.4}])
def test_half_an_interval_is_none(metrics: dict[str, Any]) -> None:
    rows = benchmark_rows(Verdict(True, [], metrics, None), "none", "", 0, "")
    assert [(row.metric, row.shown) for row in rows] == [(next(iter(metrics)), "0.5")]
