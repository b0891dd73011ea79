"""Reports of made-up runs, without a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from components.evaluators.verdict import Verdict
from components.lineage.graph import (
    Artifact,
    DataFacts,
    Edge,
    Execution,
    LineageGraph,
    ModelReference,
    ParentRun,
    Producer,
    RunLineage,
)
from components.reports.history import History
from components.reports.report import Report
from components.reports.siren_figures import content_of
from components.reports.siren_signals import FittedSignal

RUN, EARLIER = "20260102-1015-bb22", "20260101-1015-aa11"
METRICS = {"psnr": 31.4, "ssim": 0.91, "mse": 0.0029, "records_evaluated": 1.0}


def make_signal(task: str = "image", **changes: Any) -> FittedSignal:
    """A small signal and a reconstruction that is a little off."""
    random = np.random.default_rng(0)
    if task == "audio":
        target = np.sin(np.arange(4000) / 9).astype(np.float32).reshape(-1, 1, 1)
        fields: dict[str, Any] = {"rate": 8000}
    else:
        target = random.uniform(-1, 1, (12, 16, 1 if "poisson_" in task else 3)).astype("float32")
        fields = {}
    if task == "inpainting":
        fields["mask"] = (random.random((12, 16, 1)) < 0.25).astype(np.float32)
    if task == "poisson_editing":
        fields["second"] = target[::-1].copy()
    noise = random.normal(0, 0.05, target.shape).astype(np.float32)
    return FittedSignal(**{"name": "a.png", "prediction": target + noise, "target": target}
                        | fields | changes)  # fmt: skip


def make_config(task: str = "image", **data: Any) -> dict[str, Any]:
    """A resolved configuration."""
    return {
        "experiment": {"task": task},
        "data": {"height": 12, "width": 16, "channels": 3, **data},
        "network": {
            "in_features": 2,
            "hidden_features": 256,
            "hidden_layers": 3,
            "out_features": 3,
        },
        "training": {"steps": 400, "learning_rate": 1e-4, "seed": 0},
    }


def make_lineage(**changes: Any) -> RunLineage:
    """A run whose Trainer was reused and whose Report is being made."""
    examples = Artifact(1, "Examples", "/r/examples/1", producer=Producer(9, "ExampleGen", EARLIER))
    model = Artifact(2, "Model", "/r/model/2", producer=Producer(8, "Trainer", EARLIER, 143.2))
    graph = LineageGraph(
        (
            Execution(1, "ExampleGen", "x", "COMPLETE", 1000, 3500),
            Execution(2, "Trainer", "x", "CACHED", 4000, 4010),
            Execution(3, "Report", "x", "RUNNING", 5000),
        ),
        {1: examples, 2: model},
        (
            Edge(1, 1, "output", "examples"),
            Edge(2, 1, "input", "examples"),
            Edge(2, 2, "output", "model"),
            Edge(3, 2, "input", "model"),
        ),
    ).with_pending(["Pusher"])
    values: dict[str, Any] = {
        "subject": RUN,
        "run_id": RUN,
        "pipeline": "siren_pipeline",
        "state": "RUNNING",
        "started_ms": 1_790_000_000_000,
        "ended_ms": None,
        "graph": graph,
        "data": DataFacts("/r/examples/1", "sha256:cafe", {"train": 1, "eval": 1},
                          {"truncated": 2}, {"palette_expanded": 1}, 1),
        "preset": "sample",
        "git_commit": "c0ffee",
        "code_digests": {"Trainer": "d" * 64},
        "model": ModelReference(2, "/r/model/2", EARLIER),
        "baseline": ModelReference(7, "/r/model/7", "20251231-1015-zz00"),
        "parents": (ParentRun(EARLIER, ("Trainer",)),),
    }  # fmt: skip
    return RunLineage(**{**values, **changes})


def make_report(
    task: str = "image",
    *,
    signals: Sequence[FittedSignal] | None = None,
    metrics: Mapping[str, float] | None = None,
    config: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Report:
    """A whole report."""
    config = config or make_config(task)
    steps = [0, 100, 200, 300, 400]
    values: dict[str, Any] = {
        "paper": "siren",
        "task": task,
        "content": content_of(task, signals or [make_signal(task)], config),
        "lineage": make_lineage(),
        "verdict": Verdict(
            True, ["psnr 31.4 dB >= 30 required"], dict(metrics or METRICS), {"psnr": 30.2}
        ),
        "history": History(
            {"loss": (steps, [0.3, 0.1, 0.03, 0.01, 0.004]), "psnr": (steps, [11, 20, 26, 30, 31])}
        ),
        "environment": {"Processor": "a processor", "Python": "3.10.13"},
        "config": config,
        "created_ms": 1_790_000_100_000,
    }
    return Report(**{**values, **changes})


@pytest.fixture
def report_of() -> Callable[..., Report]:
    """The function that makes a report."""
    return make_report


@pytest.fixture
def signal_of() -> Callable[..., FittedSignal]:
    """The function that makes a signal."""
    return make_signal


@pytest.fixture
def config_of() -> Callable[..., dict[str, Any]]:
    """The function that makes a configuration."""
    return make_config


@pytest.fixture
def lineage_of() -> Callable[..., RunLineage]:
    """The function that makes a lineage."""
    return make_lineage
