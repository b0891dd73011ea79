"""The task in the shared loop's hands: it learns, resumes, accumulates, and runs on replicas."""

from __future__ import annotations

import logging
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from own_process import run_in_a_process
from resumed_task import assert_resumes_exactly
from tiny_detr import images_fn, make_task, tiny_network, values

from components.errors import ConfigError
from components.trainers.detr.export import export_detr
from components.trainers.detr.model import build_model
from components.trainers.detr.optimizer import learning_rate
from components.trainers.detr.task import DetrTask


def train(task: DetrTask, steps: int, first_step: int = 0) -> list[dict[str, float]]:
    step = tf.function(task.train_step, autograph=False)
    batches = task.dataset(first_step).take(steps)
    return [{name: float(value) for name, value in step(batch).items()} for batch in batches]


FROM_SCRATCH = {"first_trained_segment": 0, "norms_trained": True}


def test_a_few_images_are_learnt() -> None:
    task = make_task(network=FROM_SCRATCH, learning_rate=2e-3, clip_norm=1.0)
    rows = train(task, 60)
    assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]
    summary = task.summarize(60)
    assert summary.images["boxes_0"].shape == (64, 64, 3)
    assert summary.images["boxes_1"].shape == (64, 48, 3)
    assert summary.images["boxes_1"].min() >= 0.0 and summary.images["boxes_1"].max() <= 1.0
    assert summary.scalars["eval_loss"] < rows[0]["loss"]
    assert "eval_loss_ce" in summary.scalars and "eval_loss_ce_0" not in summary.scalars


def test_the_mask_head_learns_on_a_detector_that_does_not_change(tmp_path: Path) -> None:
    detector = build_model(tiny_network(hidden=128, heads=8), 1)
    export_detr(str(tmp_path / "7"), model=detector, images_fn=images_fn)
    task = make_task(
        network={"masks": True}, experiment={"detector": str(tmp_path)}, learning_rate=1e-3
    )
    rows = train(task, 8)
    assert {"loss_mask", "loss_dice"} < rows[0].keys()
    assert rows[-1]["loss_dice"] < rows[0]["loss_dice"]
    model = task.model
    assert model.mask_head is not None
    for own, given in ((model.backbone, detector.backbone), (model.heads, detector.heads)):
        for one, other in zip(values(own.variables), values(given.variables), strict=True):
            np.testing.assert_array_equal(one, other)
    # Its dropout stays: the detector's part of the loss differs from step to step.
    assert rows[0]["loss_bbox"] != rows[1]["loss_bbox"]
    assert len(task.optimizer.variables) < 4 * len(model.mask_head.trainable_variables)


@pytest.mark.parametrize("masks", [False, True])
def test_parts_make_the_update_of_the_whole_batch(masks: bool) -> None:
    """Where all images have one size, and nothing is dropped."""
    options = {
        "counts": (2, 2),
        "network": {"dropout": 0.0, "masks": masks},
        "learning_rate": 1e-3,
    }
    weights = []
    for parts in (1, 2):
        task = make_task(**options, accumulation_steps=parts)
        batch = next(iter(task.dataset(0)))
        same = {name: tf.repeat(tensor[:1], 2, 0) for name, tensor in batch.items()}
        task.train_step(same)
        weights.append(values(task.model.trainable_variables))
    start = values(make_task(**options).model.trainable_variables)
    for whole, parted, before in zip(*weights, start, strict=True):
        np.testing.assert_allclose(parted - before, whole - before, atol=2e-5)


def test_rates_fall_and_the_backbones_is_a_tenth() -> None:
    task = make_task(experiment={"drop_epoch": 2}, learning_rate=1e-4)
    rates = [float(task.schedule(step)) for step in (0, 7, 8, 100)]
    np.testing.assert_allclose(rates, [1e-4, 1e-4, 1e-5, 1e-5])
    never = make_task(experiment={"drop_epoch": 0})
    assert float(learning_rate(never.experiment, never.training, 4)(10_000)) == pytest.approx(1e-4)

    before = values(task.model.trainable_variables)
    train(task, 1)
    changes = {
        variable.path: np.abs(after - start).max()
        for variable, start, after in zip(
            task.model.trainable_variables,
            before,
            values(task.model.trainable_variables),
            strict=True,
        )
    }
    # Adam's first step is the rate itself, and the decay at most a thousandth of it.
    backbone = [change for path, change in changes.items() if "normed_convolution" in path]
    others = [change for path, change in changes.items() if "normed_convolution" not in path]
    assert len(backbone) == 12
    np.testing.assert_allclose(max(backbone), 1e-5, rtol=0.02)
    np.testing.assert_allclose(max(others), 1e-4, rtol=0.02)


def test_a_batch_below_the_papers_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        make_task()
    assert "experiment.batch_size is 2" in caplog.text
    assert "the backbone starts from random weights" in caplog.text


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="XLA"):
        make_task(jit_compile=True)
    with pytest.raises(ConfigError, match="cannot be divided"):
        make_task(accumulation_steps=3)
    with pytest.raises(ConfigError, match="has none"):
        make_task(experiment={"detector": "model"})


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_float32_variables(precision: str) -> None:
    expected = train(make_task(network={"dropout": 0.0}), 1)[0]["loss"]
    keras.config.set_dtype_policy(precision)
    try:
        task = make_task(network={"dropout": 0.0}, precision=precision)
        rows = train(task, 2)
        assert {variable.dtype for variable in task.model.variables} == {"float32"}
        assert "boxes_0" in task.summarize(2).images
    finally:
        keras.config.set_dtype_policy("float32")
    assert rows[0]["loss"] == pytest.approx(expected, rel=0.05)
    assert np.isfinite(rows[1]["loss"])


def test_a_run_that_goes_on_ends_with_the_same_weights(project_dir: Path, tmp_path: Path) -> None:
    """In another process, dropout and all."""
    assert_resumes_exactly(
        Path(__file__).with_name("tiny_detr.py"),
        tmp_path,
        project_dir,
        fewest_arrays=150,
        training={"accumulation_steps": 2, "clip_norm": 0.1},
    )


REPLICAS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tiny_detr import make_task, values

strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
# Of one size, so that images are padded alike whether together or apart; with 0 to 3 objects.
options = dict(counts=(3, 1, 0, 1), network={"dropout": 0.0})
alone = make_task(**options)
with strategy.scope():
    shared = make_task(**options)

def even(batch):
    return {name: tf.gather(value, [0, 2]) for name, value in batch.items()}

step = tf.function(alone.train_step, autograph=False)
together = tf.function(lambda b: strategy.run(shared.train_step, args=(b,)), autograph=False)
batches = alone.dataset(0).map(even)
parts = strategy.experimental_distribute_dataset(batches)
for whole, part in zip(batches.take(3), parts):
    found = {k: strategy.reduce("SUM", v, axis=None) for k, v in together(part).items()}
    for name, value in step(whole).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-4, err_msg=name)
for one, other in zip(values(alone.model.variables), values(shared.model.variables)):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-4)
"""


def test_two_replicas_do_what_one_does(project_dir: Path) -> None:
    """In a process of its own: devices are fixed once TensorFlow has started."""
    run_in_a_process(REPLICAS, __file__, project_dir)
