"""Lineage as text and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.lineage.graph import LineageGraph, RunLineage, VerdictFacts
from components.lineage.query import list_runs, run_lineage
from components.lineage.render import as_json, as_text, duration, flatten, runs_as_text


def test_text_holds_every_fact(recorder: Any, record_run: Any) -> None:
    first = record_run(recorder, "run-a", number=1)
    reuse = {"examples": first["examples"]}
    record_run(recorder, "run-b", number=2, baseline=first["model"], reuse=reuse)
    text = as_text(run_lineage(recorder.store, "run-b"))
    for fact in (
        "sha256:cafe",
        "eval 1, train 1",
        "2 truncated",
        "training.steps  300",
        f"{2:040x}",
        "trainer-2",
        "psnr 31.4 dB >= 30 required",
        "/serving/siren/2",
        "/runs/Trainer/model/1 (run run-a)",
        "run-a  ExampleGen",
    ):
        assert fact in text


def test_json_is_strict_and_holds_the_graph(recorder: Any, record_run: Any) -> None:
    record_run(recorder, "run-a", number=1)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    data = json.loads(as_json(run_lineage(recorder.store, "run-a")), parse_constant=refuse)
    assert data["verdict"]["metrics"] == {"psnr": 31.4, "snr": "infinite"}
    assert data["data"]["counts"] == {"eval": 1, "train": 1}
    assert {one["node_id"] for one in data["graph"]["executions"]} >= {"Trainer", "Baseline"}
    trainer = next(one for one in data["graph"]["executions"] if one["node_id"] == "Trainer")
    keys = {
        edge["key"]
        for edge in data["graph"]["edges"]
        if edge["execution_id"] == trainer["execution_id"] and edge["direction"] == "output"
    }
    assert keys == {"model", "model_run"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_named(value: float) -> None:
    lineage = RunLineage(
        *("r", "r", "p", "COMPLETE", None, None, LineageGraph()),
        verdict=VerdictFacts(False, (), {"psnr": value}),
    )
    assert json.loads(as_json(lineage))["verdict"]["metrics"]["psnr"].split()[-1] in (
        "number",
        "infinite",
        "-infinite",
    )
    assert "psnr" in as_text(lineage)


def test_list_of_runs(recorder: Any, record_run: Any) -> None:
    assert runs_as_text([]) == "No runs yet.\n"
    record_run(recorder, "run-a", number=1)
    text = runs_as_text(list_runs(recorder.store))
    assert "run-a" in text
    assert "7 complete" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.04, "0.0 s"), (59.9, "59.9 s"), (61.2, "1 min 01 s"), (7260, "2 h 01 min")],
)
def test_durations_read_as_people_say_them(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_settings_are_flattened_the_way_set_takes_them() -> None:
    assert flatten({"a": {"b": 1, "c": {"d": None}}, "e": "x", "f": [1, 2]}) == {
        "a.b": "1",
        "a.c.d": "null",
        "e": "x",
        "f": "[1, 2]",
    }
