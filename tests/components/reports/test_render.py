"""The page and the JSON of a report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from components.evaluators.verdict import Verdict
from components.lineage.graph import DataFacts, Execution, LineageGraph, ParentRun
from components.reports.history import History
from components.reports.render import render_html, report_json
from components.reports.report import Report

TASKS = (
    "image",
    "inpainting",
    "audio",
    "poisson_gradient",
    "poisson_laplacian",
    "poisson_editing",
    "video",
)
SECTIONS = (
    "verdict",
    "training",
    "benchmark",
    "data",
    "lineage",
    "time",
    "configuration",
    "environment",
)
VOID = {"meta", "img", "br", "link", "input", "hr"}

MakeReport = Callable[..., Report]


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def ids(self) -> set[str | None]:
        return {values.get("id") for tag, values in self.tags if tag == "section"}


@pytest.mark.parametrize("task", TASKS)
def test_page_needs_nothing_else_and_has_every_section(report_of: MakeReport, task: str) -> None:
    text = render_html(report_of(task))
    page = Page(text)
    assert page.open == []
    assert set(SECTIONS) <= page.ids()
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base"}
    for _, values in page.tags:
        for name, value in values.items():
            if name in ("src", "href", "xlink:href", "srcset", "data", "poster", "action"):
                assert value is not None
                assert value.startswith(("data:", "#")), value
            assert not name.startswith("on"), name
    for marker in ("@import", "url(http", "url(//", "expression("):
        assert marker not in text


@pytest.mark.parametrize("task", [task for task in TASKS if task != "audio"])
def test_target_reconstruction_and_error_are_shown(report_of: MakeReport, task: str) -> None:
    report = report_of(task)
    pictures = [one for one in Page(render_html(report)).tags if one[0] == "img"]
    assert len(pictures) >= 3
    assert {"target.png", "reconstruction.png", "error.png"} <= set(report.content.files)
    assert all(
        data.startswith(b"\x89PNG")
        for name, data in report.content.files.items()
        if name.endswith("png")
    )


def test_page_tells_the_numbers(report_of: MakeReport) -> None:
    text = Page(render_html(report_of())).text
    for fact in (
        "Fitting an image",
        "Implicit Neural Representations",
        "Blessed",
        "psnr 31.4 dB >= 30 required",
        "31.4 dB",
        "30.2 dB",
        "50 dB",
        "unverified",
        "12 x 16 colour, 2-256x4-3, 400 steps, Adam 0.0001, seed 0",
        "2 truncated",
        "1 palette_expanded",
        "sha256:cafe",
        "training.learning_rate",
        "c0ffee",
        "reused, once took 2 min 23 s",
        "2.5 s",
        "pending",
        "a processor",
        "/r/model/7 (run 20251231-1015-zz00)",
        "Trainer of run 20260101-1015-aa11",
    ):
        assert fact in text, fact


def test_reference_after_the_nearest_number_of_steps_is_taken(report_of: MakeReport) -> None:
    text = Page(render_html(report_of())).text
    assert "camera image after 400 steps" in text
    assert "camera image after 300 steps" not in text


EVIL = '<script>alert("1")</script>"><img src=x onerror=alert(1)>$\\frac{1}{0}$'


def test_text_from_data_cannot_become_markup(
    report_of: MakeReport, signal_of: Any, lineage_of: Any
) -> None:
    clean = report_of()
    signals = [signal_of("inpainting", name=EVIL), signal_of("inpainting", name="b")]
    lineage = lineage_of(
        run_id=EVIL,
        pipeline=EVIL,
        git_commit=EVIL,
        preset=EVIL,
        graph=LineageGraph((Execution(1, EVIL, EVIL, "COMPLETE", 0, 5),)),
        data=DataFacts(EVIL, EVIL, {EVIL: 1}, {EVIL: 2}, {EVIL: 3}, 1),
        parents=(ParentRun(EVIL, (EVIL,)),),
        code_digests={EVIL: EVIL},
    )
    report = report_of(
        "inpainting",
        signals=signals,
        lineage=lineage,
        verdict=Verdict(False, [EVIL], {EVIL: 1.0, "psnr": 2.0}, {EVIL: 2.0}),
        history=History(
            {"psnr": ([1, 2], [1.0, 2.0]), "loss": ([1, 2], [1, 3]), EVIL: ([1, 2], [1, 2])}
        ),
        environment={EVIL: EVIL},
    )
    text = render_html(report)
    page = Page(text)
    assert "alert" in page.text
    assert "<script" not in text
    assert not [values for _, values in page.tags if "onerror" in values]
    assert page.text.count('alert("1")') > 10
    known = {tag for tag, _ in Page(render_html(clean)).tags} | {"h3"}
    assert {tag for tag, _ in page.tags} <= known
    json.loads(report_json(report))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_said_in_words(report_of: MakeReport, value: float) -> None:
    report = report_of(
        metrics={"psnr": value, "ssim": 0.5},
        history=History({"psnr": ([0, 1, 2], [value, value, value]), "loss": ([0, 1], [1, value])}),
    )
    words = {"nan": "not a number", "inf": "infinite dB", "-inf": "-infinite dB"}
    assert words[str(value)] in Page(render_html(report)).text

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    data = json.loads(report_json(report), parse_constant=refuse)
    assert data["verdict"]["metrics"]["psnr"] == words[str(value)].removesuffix(" dB")


def test_json_has_the_numbers_of_the_page(report_of: MakeReport) -> None:
    report = report_of()
    data = json.loads(report_json(report))
    assert data["verdict"]["blessed"] is True
    assert data["verdict"]["metrics"]["psnr"] == 31.4
    assert data["task"] == "image"
    assert data["data"]["counts"] == {"train": 1, "eval": 1}
    assert data["config"]["training"]["steps"] == 400
    assert data["history"]["psnr"] == {
        "steps": [0, 100, 200, 300, 400],
        "values": [11, 20, 26, 30, 31],
    }
    assert {node["node_id"] for node in data["nodes"]} >= {"Trainer", "Pusher"}
    ours = [row for row in data["benchmark"] if row["ours"]]
    assert [row["metric"] for row in ours] == ["psnr", "ssim", "mse"]
    text = Page(render_html(report)).text
    for row in data["benchmark"]:
        assert row["shown"] in text


def test_refused_model_says_why(report_of: MakeReport) -> None:
    verdict = Verdict(False, ["psnr 20 dB < 30 required"], {"psnr": 20.0}, None)
    text = Page(render_html(report_of(verdict=verdict))).text
    assert "Not blessed" in text
    assert "psnr 20 dB < 30 required" in text


def test_model_without_evaluation_has_no_verdict(report_of: MakeReport) -> None:
    page = Page(render_html(report_of(verdict=None)))
    assert "No verdict" in page.text
    assert "Blessed" not in page.text


def test_first_run_has_no_baseline(report_of: MakeReport, lineage_of: Any) -> None:
    verdict = Verdict(True, [], {"psnr": 31.0}, None)
    report = report_of(verdict=verdict, lineage=lineage_of(baseline=None, parents=()))
    text = Page(render_html(report)).text
    assert "none: no earlier model was blessed" in text
    assert json.loads(report_json(report))["baseline"] is None
    assert "the latest blessed model before this one" not in text


def test_run_without_curves_says_so(report_of: MakeReport) -> None:
    page = Page(render_html(report_of(history=History())))
    assert "The training left no curves." in page.text


def test_empty_run_is_a_page_too(report_of: MakeReport, lineage_of: Any) -> None:
    bare = dataclasses.replace(
        lineage_of(),
        graph=LineageGraph(),
        data=DataFacts(),
        model=None,
        baseline=None,
        parents=(),
        code_digests={},
    )
    report = report_of(verdict=None, lineage=bare, history=History(), environment={}, config={})
    report = dataclasses.replace(report, config={})
    page = Page(render_html(report))
    assert page.open == []
    assert "recorded nothing about its data" in page.text
    assert "recorded no configuration" in page.text


def test_same_report_is_the_same_bytes(report_of: MakeReport) -> None:
    assert render_html(report_of()) == render_html(report_of())
