"""Curves as the Trainer leaves them, whole or not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from components.reports.environment import collect_environment
from components.reports.history import History, parse_curves, read_history


def test_rows_become_curves() -> None:
    curves = parse_curves(
        [{"step": 25, "loss": 0.5, "psnr": 20.0}, {"step": 50, "loss": 0.25, "psnr": 23.0}]
    )
    assert curves == {"loss": ([25, 50], [0.5, 0.25]), "psnr": ([25, 50], [20.0, 23.0])}


def test_scalars_may_stand_apart() -> None:
    assert parse_curves([{"step": 1, "scalars": {"loss": 2}}]) == {"loss": ([1], [2.0])}


def test_what_is_no_number_leaves_a_gap_and_the_rest_is_passed_over() -> None:
    rows = [
        {"step": 1, "loss": float("nan"), "psnr": "inf", "note": "hello", "flag": True},
        {"loss": 1.0},
        "nonsense",
        {"step": 3, "loss": 1.0, "scalars": None},
    ]
    curves = parse_curves(rows)
    assert set(curves) == {"loss", "psnr"}
    assert math.isnan(curves["loss"][1][0])
    assert math.isnan(curves["psnr"][1][0])


def test_files_of_a_training_are_read(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text('[{"step": 25, "loss": NaN}, {"step": 50, "loss": 1}]')
    (tmp_path / "training.json").write_text(json.dumps({"seconds": 12.5}))
    history = read_history(str(tmp_path))
    assert history.num_steps == 50
    assert history.facts == {"seconds": 12.5}


@pytest.mark.parametrize("content", [None, "", "{", '{"step": 1}', "[1, 2]", b"\xff\xfe"])
def test_absent_or_damaged_files_are_no_error(tmp_path: Path, content: str | bytes | None) -> None:
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "history.json").write_bytes(data)
    assert read_history(str(tmp_path)) == History()


def test_environment_prefers_what_the_trainer_wrote() -> None:
    facts = collect_environment(
        {
            "seconds": 12.0,
            "steps_per_second": 2.5,
            "runtime": {"processor": "another", "threads": 7, "jit_compile": False},
        }
    )
    assert facts["Processor"] == "another"
    assert facts["Threads"] == "7"
    assert facts["XLA"] == "off"
    assert facts["Training time"] == "12.0 s"
    assert "numpy" in facts


def test_environment_is_known_without_a_trainer() -> None:
    facts = collect_environment()
    assert facts["Python"].count(".") == 2
    assert int(facts["Cores"]) >= 1
    assert "Training time" not in facts
    assert all(facts.values())
