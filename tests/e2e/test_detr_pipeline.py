"""DETR from generated scenes to a pushed detector, and on to masks upon it."""

from __future__ import annotations

import io
import json
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
COCO = Path("data") / "coco"
RECORDS = 10
PANOPTIC = ("task=panoptic",)
FASTER = ("training.steps=3",)


@pytest.fixture(scope="module")
def run(run_pipeline: RunPipeline) -> RunPipeline:
    return partial(run_pipeline, pipeline="detr_pipeline")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("detr") / "runs"


@pytest.fixture(scope="module")
def detector(root: Path, run: RunPipeline) -> dict[str, Any]:
    finished = run(root)
    assert finished.exit_code == 0, finished.error
    return dict(finished.outcome)


@pytest.fixture(scope="module")
def panoptic(root: Path, run: RunPipeline, detector: dict[str, Any]) -> dict[str, Any]:
    finished = run(root, assignments=PANOPTIC)
    assert finished.exit_code == 0, finished.error
    # Records serve both tasks.
    assert finished.states["ExampleGen"] == "cached"
    return dict(finished.outcome)


def a_scene(root: Path) -> bytes:
    [scenes] = (root / "sample_data").iterdir()
    return sorted((scenes / "val2017").iterdir())[0].read_bytes()


def test_scenes_are_read_learned_and_measured(detector: dict[str, Any]) -> None:
    metrics = detector["verdict"]["metrics"]
    assert metrics["records_evaluated"] == RECORDS
    assert {"ap", "ap_50", "ar_100"} <= metrics.keys()
    assert not any(name.startswith(("pq", "mask")) for name in metrics)
    rows = model_run(detector, "history.json")
    assert {"loss_ce", "loss_bbox", "loss_giou", "loss_ce_0", "class_error"} <= rows[-1].keys()
    assert {"eval_loss", "learning_rate"} <= rows[-1].keys()


def test_the_mask_head_stands_on_the_blessed_detector(
    detector: dict[str, Any], panoptic: dict[str, Any]
) -> None:
    from components.trainers.detr.weight_files import read_weights

    before, after = (
        read_weights(outcome["paths"]["pushed_model"]) for outcome in (detector, panoptic)
    )
    shared = [name for name in after if name.removeprefix("detr.") in before]
    assert len(shared) == len(before) < len(after)
    for name in shared:
        np.testing.assert_array_equal(after[name], before[name.removeprefix("detr.")])
    metrics = panoptic["verdict"]["metrics"]
    assert {"pq", "sq", "rq", "pq_things", "pq_stuff", "mask_ap"} <= metrics.keys()
    assert {"loss_mask", "loss_dice"} <= model_run(panoptic, "history.json")[-1].keys()


def test_the_pushed_model_serves_boxes_and_segments(root: Path, panoptic: dict[str, Any]) -> None:
    import tensorflow as tf
    from PIL import Image

    from components.trainers.signature_graph import random_ops_in

    path = panoptic["paths"]["pushed_model"]
    signatures = tf.saved_model.load(path).signatures
    scene = a_scene(root)
    width, height = Image.open(io.BytesIO(scene)).size
    boxes = signatures["serving_default"](images=tf.constant([scene]))
    assert boxes["boxes_xyxy"].shape == (1, 8, 4) and boxes["labels"].shape == (1, 8)
    segments = signatures["panoptic"](images=tf.constant([scene]))
    picture = Image.open(io.BytesIO(segments["panoptic_png"].numpy()[0]))
    assert picture.size == (width, height)
    for signature in ("serving_default", "panoptic", "attention", "evaluate"):
        assert random_ops_in(path, signature) == []


def test_the_reports_show_the_papers_rows(
    detector: dict[str, Any], panoptic: dict[str, Any]
) -> None:
    boxes, masks = (Path(one["paths"]["report"]).read_text() for one in (detector, panoptic))
    assert "DETR-DC5-R101" in boxes and "0.42" in boxes
    assert "0.434" in masks


def test_a_rerun_is_served_from_the_cache(
    root: Path, run: RunPipeline, panoptic: dict[str, Any]
) -> None:
    assert run(root).outcome["from_cache"]
    assert run(root, assignments=PANOPTIC).outcome["from_cache"]


def test_a_killed_training_ends_with_the_same_curves(
    detector: dict[str, Any], run: RunPipeline, tmp_path: Path
) -> None:
    kill_and_go_on(run, tmp_path / "runs", detector, step=8, saved=5)


def test_masks_without_a_detector_say_what_to_run(run: RunPipeline, tmp_path: Path) -> None:
    finished = run(tmp_path / "runs", assignments=PANOPTIC)
    assert finished.exit_code == 1
    assert "no blessed model to go on from" in finished.error
    assert "--set task=detection first" in finished.error


def test_coco_itself_is_asked_for_where_generated_scenes_will_not_do(
    tmp_path: Path, run: RunPipeline
) -> None:
    finished = run(tmp_path / "runs", preset="paper")
    assert finished.exit_code != 0
    assert "data fetch coco" in finished.error


@pytest.mark.realdata
def test_real_pictures_are_read_and_measured(
    shared_dir: Path, run: RunPipeline, tmp_path: Path
) -> None:
    source = shared_dir / COCO
    if not source.is_dir():
        pytest.skip(f"the real pictures are not at {source}")
    data = tmp_path / "coco"
    shutil.copytree(source, data)
    assignments = (*FASTER, "data.max_objects=64")
    finished = run(tmp_path / "runs", data_root=data, assignments=assignments)
    assert finished.exit_code == 0, finished.error
    listed = json.loads((data / "annotations" / "panoptic_val2017.json").read_text())["images"]
    assert finished.outcome["verdict"]["metrics"]["records_evaluated"] == len(listed)
    # A segment's map that is gone is named.
    maps = data / "annotations" / "panoptic_train2017"
    gone = sorted(maps.iterdir())[0]
    gone.unlink()
    broken = run(tmp_path / "runs", data_root=data, assignments=assignments)
    assert broken.exit_code == 1
    assert gone.name in broken.error
