"""Only-BN from official files to a pushed classifier, and what a user finds afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trained_runs import kill_and_go_on, model_run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RunPipeline = Callable[..., Any]
CIFAR = Path("data") / "cifar-10-lossless-subset"
TINY_IMAGENET = Path("data") / "tiny-imagenet-200"


@pytest.fixture(scope="module")
def run(run_pipeline: RunPipeline) -> RunPipeline:
    return partial(run_pipeline, pipeline="only_bn_pipeline")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("only_bn") / "runs"


@pytest.fixture(scope="module")
def first(root: Path, run: RunPipeline) -> dict[str, Any]:
    finished = run(root)
    assert finished.exit_code == 0, finished.error
    return dict(finished.outcome)


def test_the_digits_are_read_trained_on_and_scored(first: dict[str, Any]) -> None:
    metrics = first["verdict"]["metrics"]
    assert first["verdict"]["blessed"]
    assert metrics["records_evaluated"] == 297
    assert 0.0 <= metrics["top_1_low"] <= metrics["top_1"] <= metrics["top_1_high"] <= 1.0
    assert metrics["top_1"] <= metrics["top_5"]
    assert 0.0 <= metrics["disabled_features"] < 1.0


def test_the_curves_hold_test_accuracy_and_rate(first: dict[str, Any]) -> None:
    rows = model_run(first, "history.json")
    assert [row["step"] for row in rows] == [0, 5, 10, 15, 20, 25, 30]
    assert {"loss", "train_accuracy", "test_accuracy", "learning_rate"} <= rows[-1].keys()
    # The Evaluator's number is the Trainer's, out of another process and another graph.
    assert rows[-1]["test_accuracy"] == pytest.approx(first["verdict"]["metrics"]["top_1"])


def test_the_pushed_model_serves_without_random_operations(first: dict[str, Any]) -> None:
    import tensorflow as tf

    from components.trainers.signature_graph import random_ops_in

    path = first["paths"]["pushed_model"]
    model = tf.saved_model.load(path)
    images = tf.zeros([3, 16, 16, 3])
    probabilities = model.signatures["serving_default"](image=images)["probabilities"].numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), np.ones(3), rtol=1e-5)
    for signature in ("serving_default", "evaluate"):
        assert random_ops_in(path, signature) == []


def test_the_report_shows_the_papers_rows_and_the_mistakes(first: dict[str, Any]) -> None:
    text = Path(first["paths"]["report"]).read_text()
    for word in ("Confusion", "Gammas", "ICLR 2021", "297 test pictures"):
        assert word in text, word


def test_a_rerun_is_served_from_the_cache_and_a_control_trains_anew(
    root: Path, first: dict[str, Any], run: RunPipeline
) -> None:
    assert run(root).outcome["from_cache"]
    finished = run(root, assignments=("train=random_subset", "evaluation.gates={}"))
    assert finished.exit_code == 0, finished.error
    assert finished.states["Transform"] == "cached"
    assert finished.states["Trainer"] == "executed"


def test_a_killed_training_goes_on_in_the_middle_of_an_epoch(
    first: dict[str, Any], run: RunPipeline, tmp_path: Path
) -> None:
    kill_and_go_on(run, tmp_path / "runs", first, step=17, saved=10)


def test_data_are_asked_for_where_digits_will_not_do(tmp_path: Path, run: RunPipeline) -> None:
    finished = run(tmp_path / "runs", preset="paper")
    assert finished.exit_code != 0
    assert "--data-root" in finished.error
    assert "papergarden data fetch" in finished.error


@pytest.mark.realdata
def test_real_cifar_in_epochs(tmp_path: Path, shared_dir: Path, run: RunPipeline) -> None:
    finished = run(
        tmp_path / "runs",
        preset="paper",
        data_root=shared_dir / CIFAR,
        assignments=(
            "data.subset=true",
            "network.depth=8",
            "network.width=4",
            "training.epochs=0.25",
        ),
    )
    assert finished.exit_code == 0, finished.error
    assert finished.outcome["verdict"]["metrics"]["records_evaluated"] == 1000


@pytest.mark.realdata
@pytest.mark.parametrize("preset", ["smoke", "efficient"])
def test_real_tiny_imagenet(
    tmp_path: Path, shared_dir: Path, run: RunPipeline, preset: str
) -> None:
    finished = run(
        tmp_path / "runs",
        preset=preset,
        data_root=shared_dir / TINY_IMAGENET,
        assignments=(
            "data.dataset=tiny_imagenet",
            "data.subset=true",
            "network.depth=8",
            "network.width=4",
            "training.steps=4",
        ),
    )
    assert finished.exit_code == 0, finished.error
    assert finished.outcome["verdict"]["metrics"]["records_evaluated"] == 400


@pytest.mark.realdata
def test_a_truncated_batch_ends_the_run_with_its_name(
    tmp_path: Path, shared_dir: Path, run: RunPipeline
) -> None:
    shutil.copytree(shared_dir / CIFAR, tmp_path / "data")
    [batch] = (tmp_path / "data").rglob("data_batch_1.bin")
    batch.write_bytes(batch.read_bytes()[:-1000])
    finished = run(tmp_path / "runs", data_root=tmp_path / "data")
    assert finished.exit_code == 1
    assert "data_batch_1.bin" in finished.error
    assert finished.states["Trainer"] == "waiting"
