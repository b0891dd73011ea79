"""FineGAN from generated birds to a pushed generator, and what a user finds afterwards."""

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
CUB = Path("data") / "CUB_200_2011"
STEPS, RECORDS = 20, 100
FASTER = ("training.steps=6", "hard_negative_steps=2")


@pytest.fixture(scope="module")
def run(run_pipeline: RunPipeline) -> RunPipeline:
    return partial(run_pipeline, pipeline="finegan_pipeline")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("finegan") / "runs"


@pytest.fixture(scope="module")
def first(root: Path, run: RunPipeline) -> dict[str, Any]:
    finished = run(root)
    assert finished.exit_code == 0, finished.error
    return dict(finished.outcome)


def test_birds_are_read_learned_and_measured(first: dict[str, Any]) -> None:
    assert first["verdict"]["blessed"]
    metrics = first["verdict"]["metrics"]
    assert metrics["records_evaluated"] == RECORDS
    distance = "frechet_distance_pixels"
    assert metrics[f"{distance}_low"] <= metrics[distance] <= metrics[f"{distance}_high"]
    for name in ("cluster_nmi", "cluster_accuracy", "cluster_nmi_pixels"):
        assert 0.0 <= metrics[name] <= 1.0
    assert not {"fid", "kid", "inception_score"} & set(metrics)


def test_the_curves_hold_every_loss_and_the_masks(first: dict[str, Any]) -> None:
    rows = model_run(first, "history.json")
    assert [row["step"] for row in rows] == [0, 5, 10, 15, 20]
    names = {"background_real", "child_made", "parent_information", "child_information"}
    assert names | {"child_code_accuracy", "child_mask_share"} <= rows[-1].keys()


def test_the_pushed_model_serves_pictures_without_drawing_at_random(first: dict[str, Any]) -> None:
    import tensorflow as tf

    from components.trainers.signature_graph import random_ops_in

    path = first["paths"]["pushed_model"]
    model = tf.saved_model.load(path)
    made = model.signatures["generate_class"](
        child=tf.constant([0, 3], tf.int64), seed=tf.constant([7, 7], tf.int64)
    )
    assert tf.io.decode_png(made["encoded"][0]).shape == (32, 32, 3)
    # What is drawn follows from the record or the seed; nothing of the augmentation is left.
    for signature in ("generate", "generate_class", "evaluate"):
        assert all("Stateless" in name for name in random_ops_in(path, signature))
    assert random_ops_in(path, "generate") == []


def test_the_evaluation_has_equally_many_pictures_of_every_code(first: dict[str, Any]) -> None:
    import tensorflow as tf

    from components.example_gens.split_files import read_records, split_files

    artifacts = Path(first["paths"]["report"]).parents[3]
    [examples] = sorted((artifacts / "ExampleGen" / "examples").iterdir())
    records = list(read_records(split_files(str(examples), "eval")).as_numpy_iterator())
    assert len(records) == RECORDS
    model = tf.saved_model.load(first["paths"]["pushed_model"])
    outputs = model.signatures["evaluate"](examples=tf.constant(records))
    codes = outputs["child_code"].numpy().ravel()
    np.testing.assert_array_equal(np.bincount(codes[codes >= 0]), [8] * 4)


def test_the_report_names_metrics_by_their_network_and_shows_the_papers(
    first: dict[str, Any],
) -> None:
    text = Path(first["paths"]["report"]).read_text()
    for words in ("CVPR 2019", "52.53", "11.25", "Frechet distance pixels"):
        assert words in text, words


def test_a_rerun_is_served_from_the_cache_and_another_measure_trains_nothing(
    root: Path, first: dict[str, Any], run: RunPipeline
) -> None:
    assert run(root).outcome["from_cache"]
    finished = run(root, assignments=("feature_network=random_convolutions",))
    assert finished.exit_code == 0, finished.error
    assert finished.states["Trainer"] == "cached"
    assert finished.states["Evaluator"] == "executed"


def test_a_training_killed_among_hard_negatives_ends_with_the_same_curves(
    first: dict[str, Any], run: RunPipeline, tmp_path: Path
) -> None:
    kill_and_go_on(run, tmp_path / "runs", first, step=18, saved=16)


def test_data_are_asked_for_where_generated_birds_will_not_do(
    tmp_path: Path, run: RunPipeline
) -> None:
    finished = run(tmp_path / "runs", preset="paper")
    assert finished.exit_code != 0
    assert "this run needs the data set cub" in finished.error
    assert "data fetch cub" in finished.error


@pytest.mark.realdata
def test_real_birds_are_read_whole_and_their_official_test_images_measured(
    shared_dir: Path, run: RunPipeline, tmp_path: Path
) -> None:
    source = shared_dir / CUB
    if not source.is_dir():
        pytest.skip(f"the real birds are not at {source}")
    data = tmp_path / "cub"
    shutil.copytree(source, data)
    finished = run(tmp_path / "runs", data_root=data, assignments=FASTER)
    assert finished.exit_code == 0, finished.error
    split = (source / "train_test_split.txt").read_text().split()[1::2]
    assert finished.outcome["verdict"]["metrics"]["records_evaluated"] == split.count("0")
    # A picture that is cut short is named, with its id.
    picture = next((data / "images").rglob("*.jpg"))
    picture.write_bytes(picture.read_bytes()[:2000])
    broken = run(tmp_path / "runs", data_root=data, assignments=FASTER)
    assert broken.exit_code == 1
    assert "the picture image" in broken.error and picture.name in broken.error
