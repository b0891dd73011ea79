"""The smoke preset from a photograph to a pushed model, and what a user finds afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RunPipeline = Callable[..., Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("siren") / "runs"


@pytest.fixture(scope="module")
def first(root: Path, project_dir: Path) -> dict[str, Any]:
    """The outcome of the command that the README names, at smoke size."""
    outcome_file = root.parent / "outcome.json"
    program = "import sys; from pipelines.cli import main; sys.exit(main())"
    words = ["run", "siren_pipeline", "--preset", "smoke", "--root", str(root)]
    done = subprocess.run(
        [sys.executable, "-c", program, *words, "--json", str(outcome_file)],
        capture_output=True,
        text=True,
        cwd=project_dir,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BLESSED" in done.stdout
    return dict(json.loads(outcome_file.read_text()))


@pytest.fixture(scope="module")
def again(root: Path, first: dict[str, Any], run_pipeline: RunPipeline) -> Any:
    return run_pipeline(root)


def test_every_node_is_executed_the_first_time(first: dict[str, Any]) -> None:
    states = {name: node["state"] for name, node in first["nodes"].items()}
    assert states.pop("Baseline") == "resolved"
    assert set(states.values()) == {"executed"}
    assert not first["from_cache"]


def test_a_rerun_is_served_from_the_cache(again: Any, first: dict[str, Any]) -> None:
    states = dict(again.states)
    assert states.pop("Baseline") == "resolved"
    assert set(states.values()) == {"cached"}
    assert again.outcome["from_cache"]
    assert again.outcome["paths"]["pushed_model"] == first["paths"]["pushed_model"]


def test_the_outcome_names_what_was_made(first: dict[str, Any]) -> None:
    assert first["verdict"]["blessed"]
    assert {"psnr", "ssim", "mse"} <= first["verdict"]["metrics"].keys()
    for name in ("pushed_model", "report", "tensorboard", "logs", "config"):
        assert Path(first["paths"][name]).exists(), name
    assert all(node["execution_id"] for node in first["nodes"].values())


def test_the_pushed_model_serves(first: dict[str, Any]) -> None:
    import tensorflow as tf

    model = tf.saved_model.load(first["paths"]["pushed_model"])
    points = tf.constant([[-1.0, -1.0], [0.0, 0.5], [1.0, 1.0]])
    values = model.signatures["serving_default"](coordinates=points)["values"].numpy()
    assert values.shape == (3, 3)
    assert np.isfinite(values).all()
    encoded = model.signatures["reconstruct"](size=tf.constant([10, 20]))["encoded"]
    assert tf.io.decode_png(encoded).shape == (10, 20, 3)


def test_no_random_operation_is_served(first: dict[str, Any]) -> None:
    from components.trainers.signature_graph import random_ops_in

    for signature in ("serving_default", "reconstruct", "evaluate"):
        assert random_ops_in(first["paths"]["pushed_model"], signature) == []


def test_lineage_tells_what_made_the_pushed_model(first: dict[str, Any], root: Path) -> None:
    from components.lineage.metadata_uri import sqlite_uri
    from pipelines.lineage_command import show_lineage

    uri = sqlite_uri(root / "metadata.sqlite")
    answer = json.loads(
        show_lineage(first["paths"]["pushed_model"], uri, as_json_text=True, picture=None)
    )
    assert answer["run"]["run_id"] == first["run_id"] if "run" in answer else True
    text = show_lineage(first["paths"]["pushed_model"], uri, as_json_text=False, picture=None)
    for word in (first["run_id"], "fingerprint", "code", "commit", "psnr", "smoke"):
        assert word in text, word


def test_another_setting_reruns_only_what_depends_on_it(
    root: Path, again: Any, run_pipeline: RunPipeline
) -> None:
    finished = run_pipeline(root, assignments=("training.steps=31",))
    assert finished.exit_code == 0, finished.error
    states = finished.states
    for name in ("ExampleGen", "Schema", "StatisticsGen", "ExampleValidator", "Transform"):
        assert states[name] == "cached", name
    for name in ("Trainer", "Evaluator", "Report", "Pusher"):
        assert states[name] == "executed", name
    assert finished.outcome["verdict"]["baseline_metrics"]["psnr"] > 0


def test_a_model_below_the_gate_is_not_pushed(
    root: Path, again: Any, run_pipeline: RunPipeline
) -> None:
    finished = run_pipeline(root, assignments=("gates.psnr.minimum=60",))
    assert not finished.outcome["verdict"]["blessed"]
    assert "pushed_model" not in finished.outcome["paths"]
    assert any("60" in reason for reason in finished.outcome["verdict"]["reasons"])


@pytest.mark.parametrize(
    "assignments",
    [
        ("task=image", "data.channels=1"),
        ("task=inpainting",),
        ("task=inpainting", "prior=tv"),
        ("task=inpainting", "prior=fh"),
        ("task=audio",),
        ("task=poisson_gradient",),
        ("task=poisson_laplacian",),
        ("task=poisson_editing",),
        ("task=video",),
    ],
    ids=" ".join,
)
def test_every_task_runs_to_a_verdict(
    assignments: tuple[str, ...], tmp_path: Path, run_pipeline: RunPipeline
) -> None:
    finished = run_pipeline(
        tmp_path / "runs", assignments=(*assignments, "evaluation.gates={}", "training.steps=6")
    )
    assert finished.exit_code == 0, finished.error
    assert finished.outcome["verdict"]["blessed"], finished.outcome["verdict"]
    assert Path(finished.outcome["paths"]["report"]).stat().st_size > 10_000


def test_a_page_saved_as_a_picture_ends_the_run_with_its_own_words(
    tmp_path: Path, run_pipeline: RunPipeline
) -> None:
    picture = tmp_path / "photograph.jpg"
    picture.write_text("<!DOCTYPE html><html><body>404</body></html>")
    finished = run_pipeline(tmp_path / "runs", data_root=picture)
    assert finished.exit_code == 1
    assert "photograph.jpg" in finished.error
    assert "HTML" in finished.error
    assert finished.states["Trainer"] == "waiting"


def test_a_changed_picture_is_read_anew(tmp_path: Path, run_pipeline: RunPipeline) -> None:
    from PIL import Image

    picture = tmp_path / "photograph.png"
    for level in (50, 200):
        Image.new("RGB", (30, 30), (level, 0, 0)).save(picture)
        finished = run_pipeline(
            tmp_path / "runs", data_root=picture, assignments=("evaluation.gates={}",)
        )
        assert finished.exit_code == 0, finished.error
        assert finished.states["ExampleGen"] == "executed"
        assert finished.states["Schema"] == ("executed" if level == 50 else "cached")
