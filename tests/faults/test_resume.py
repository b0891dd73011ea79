"""Training that is killed again and again ends with the bytes of training that is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forked_run import Fault

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

STEPS = 3000
SETTINGS = (f"training.steps={STEPS}", "checkpoint_every_steps=50", "summary_every_steps=100")
KILLS = 10


def weights(outcome: dict[str, Any]) -> bytes:
    folder = Path(outcome["paths"]["pushed_model"]) / "variables"
    return (folder / "variables.data-00000-of-00001").read_bytes()


def curves(outcome: dict[str, Any]) -> str:
    return (Path(outcome["paths"]["tensorboard"]) / "history.json").read_text()


def test_ten_kills_at_random_steps_leave_weights_and_curves_bit_identical(
    tmp_path: Path, run_pipeline: Callable[..., Any]
) -> None:
    undisturbed = run_pipeline(tmp_path / "undisturbed", assignments=SETTINGS)
    assert undisturbed.exit_code == 0, undisturbed.error

    root = tmp_path / "killed"
    steps = sorted(random.Random(20).sample(range(1, STEPS - 200), KILLS))
    for index, step in enumerate(steps):
        kind = "SIGKILL" if index % 2 else "SIGTERM"
        fault = Fault("Trainer", kind, step=step)
        killed = run_pipeline(root, assignments=SETTINGS, fault=fault)
        assert killed.states["Trainer"] == ("failed" if kind == "SIGKILL" else "preempted")
        assert killed.exit_code == (1 if kind == "SIGKILL" else 75), killed.error
        if index:
            assert killed.states["Transform"] == "cached"
    resumed = run_pipeline(root, assignments=SETTINGS)
    assert resumed.exit_code == 0, resumed.error

    assert weights(resumed.outcome) == weights(undisturbed.outcome)
    assert curves(resumed.outcome) == curves(undisturbed.outcome)
    facts = (Path(resumed.outcome["paths"]["tensorboard"]) / "training.json").read_text()
    assert '"resumed_from": 0' not in facts
    assert not list((root / "checkpoints").iterdir())


def test_a_truncated_newest_checkpoint_is_passed_over(
    tmp_path: Path, run_pipeline: Callable[..., Any]
) -> None:
    undisturbed = run_pipeline(tmp_path / "undisturbed", assignments=SETTINGS)
    root = tmp_path / "killed"
    run_pipeline(root, assignments=SETTINGS, fault=Fault("Trainer", "SIGKILL", step=400))
    [folder] = (root / "checkpoints").iterdir()
    newest = sorted(path for path in folder.iterdir() if path.name.startswith("step-"))[-1]
    largest = max(newest.rglob("*"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:100])
    resumed = run_pipeline(root, assignments=SETTINGS)
    assert resumed.exit_code == 0, resumed.error
    assert weights(resumed.outcome) == weights(undisturbed.outcome)


def test_a_truncated_record_file_is_made_anew(
    tmp_path: Path, run_pipeline: Callable[..., Any]
) -> None:
    first = run_pipeline(tmp_path / "runs")
    [examples] = first.outcome["nodes"]["ExampleGen"]["artifacts"]["examples"]
    [record_file] = Path(examples["uri"]).glob("Split-train/*")
    record_file.write_bytes(record_file.read_bytes()[:50])
    healed = run_pipeline(tmp_path / "runs")
    assert healed.exit_code == 0, healed.error
    assert healed.states["ExampleGen"] == "executed"


def test_a_record_file_truncated_while_the_run_goes_on_is_named(
    tmp_path: Path, run_pipeline: Callable[..., Any]
) -> None:
    fault = Fault("Trainer", "truncate_records")
    broken = run_pipeline(tmp_path / "runs", fault=fault)
    assert broken.exit_code == 1
    # A truncated gzip file may read as one that merely ends early: the count tells.
    assert "than ExampleGen wrote into `train`" in broken.error
    assert "1 records" in broken.error
    healed = run_pipeline(tmp_path / "runs")
    assert healed.exit_code == 0, healed.error
