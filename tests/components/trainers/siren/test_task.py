"""SIREN in the shared loop's hands: steps, parts, replicas, precision and summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from own_process import run_in_a_process
from siren_signals import HEIGHT, SAMPLES, WIDTH, features, make_task

from components.errors import ConfigError
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.task import SirenTask
from components.trainers.training_config import TrainingConfig


def train(task: SirenTask, steps: int, first_step: int = 0) -> list[dict[str, float]]:
    """Losses of some updates, through a compiled step as the loop has it."""
    step = tf.function(task.train_step)
    batches = task.dataset(first_step).take(steps)
    return [{name: float(value) for name, value in step(batch).items()} for batch in batches]


@pytest.mark.parametrize(
    ("task_name", "channels", "at_most"),
    [
        ("image", 3, 0.9),
        ("inpainting", 1, 0.9),
        ("audio", 1, 0.9),
        ("poisson_gradient", 3, 0.9),
        # The target is 10,000 times the picture's Laplacian: a few steps are only a start.
        ("poisson_laplacian", 1, 0.9999),
        ("poisson_laplacian", 3, 0.9999),
        ("poisson_editing", 3, 0.9),
        ("video", 3, 0.9),
    ],
)
def test_every_task_learns(task_name: str, channels: int, at_most: float) -> None:
    losses = [row["loss"] for row in train(make_task(task_name, channels=channels), 40)]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < at_most * np.mean(losses[:5])


@pytest.mark.parametrize("prior", ["tv", "fh"])
def test_the_prior_is_weighted_and_part_of_the_loss(prior: str) -> None:
    rows = [
        train(make_task("inpainting", prior=prior, prior_weight=weight), 1)[0]
        for weight in (1.0, 5.0)
    ]
    assert rows[1]["prior_loss"] == pytest.approx(5.0 * rows[0]["prior_loss"], rel=1e-5)
    for row in rows:
        assert row["loss"] == pytest.approx(row["image_loss"] + row["prior_loss"], rel=1e-6)


def test_inpainting_never_sees_the_hidden_pixels() -> None:
    seen, changed = (features("inpainting") for _ in range(2))
    hidden = seen["signal/mask"] == 0.0
    changed["signal/values"] = np.where(hidden, 0.0, changed["signal/values"])
    weights = []
    for arrays in (seen, changed):
        task = SirenTask(
            SirenExperiment(task="inpainting"),
            NetworkConfig(hidden_features=12, hidden_layers=1),
            TrainingConfig(),
            arrays,
        )
        train(task, 3)
        weights.append(task.model.get_weights())
    for left, right in zip(*weights, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("task_name", "options"),
    [
        ("image", {"sample_fraction": 0.3}),
        ("video", {"sample_fraction": 0.2}),
        ("inpainting", {"prior": "tv"}),
    ],
)
def test_resumed_training_ends_with_the_same_bytes(task_name: str, options: dict[str, Any]) -> None:
    whole, first, second = (make_task(task_name, **options) for _ in range(3))
    train(whole, 6)
    train(first, 4)
    values = {name: item for name, item in first.checkpoint_items.items()}
    for name, item in second.checkpoint_items.items():
        for variable, saved in zip(item.variables, values[name].variables, strict=True):
            variable.assign(saved)
    train(second, 2, first_step=4)
    for left, right in zip(whole.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_each_step_draws_other_samples_of_the_signal() -> None:
    task = make_task("image", sample_fraction=0.4)
    first, second = task.dataset(7).take(2)
    (again,) = task.dataset(8).take(1)
    assert first["coordinates"].shape == (16, 2)
    assert not np.array_equal(first["coordinates"], second["coordinates"])
    np.testing.assert_array_equal(second["coordinates"], again["coordinates"])
    rows = np.rint((second["coordinates"].numpy() + 1) / 2 * [HEIGHT - 1, WIDTH - 1]).astype(int)
    values = features("image")["signal/values"][0]
    np.testing.assert_array_equal(second["target"], values[rows[:, 0], rows[:, 1]])


@pytest.mark.parametrize(
    ("task_name", "options"),
    [
        ("inpainting", {"points_at_once": 7}),
        ("inpainting", {"training": {"accumulation_steps": 4}}),
        ("poisson_gradient", {"points_at_once": 7}),
        ("poisson_laplacian", {"points_at_once": 7}),
    ],
)
def test_parts_of_a_step_add_up_to_the_step(task_name: str, options: dict[str, Any]) -> None:
    prior = {"prior": "fh"} if task_name == "inpainting" else {}
    whole, parts = make_task(task_name, **prior), make_task(task_name, **prior, **options)
    for left, right in zip(train(whole, 3), train(parts, 3), strict=True):
        assert left == pytest.approx(right, rel=1e-4)
    for left, right in zip(whole.model.get_weights(), parts.model.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_narrow_types_train_nearly_as_well(precision: str) -> None:
    exact = train(make_task("image"), 30)
    narrow = train(make_task("image", training={"precision": precision}), 30)
    assert narrow[0]["loss"] == pytest.approx(exact[0]["loss"], rel=0.1)
    assert narrow[-1]["loss"] < 0.6 * narrow[0]["loss"]


def test_clipping_bounds_the_first_moment() -> None:
    task = make_task("poisson_laplacian", training={"clip_norm": 1e-3})
    train(task, 1)
    moments = [v.numpy() for v in task.optimizer.variables if "momentum" in v.path]
    norm = np.sqrt(sum(np.square(moment).sum() for moment in moments))
    assert norm == pytest.approx(0.1 * 1e-3, rel=1e-3)


def test_summaries_show_target_reconstruction_and_error() -> None:
    task = make_task("image", channels=3)
    summary = task.summarize(0)
    assert set(summary.images) == {"target", "reconstruction", "error"}
    expected = features("image", 3)["signal/values"][0] / 2 + 0.5
    np.testing.assert_allclose(summary.images["target"], expected, atol=1e-6)
    for image in summary.images.values():
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert image.min() >= 0.0 and image.max() <= 1.0
    shown = np.clip(summary.images["reconstruction"], 0, 1)
    error = np.mean((shown.astype(np.float64) - summary.images["target"]) ** 2)
    assert summary.scalars["psnr"] == pytest.approx(-10 * np.log10(error), abs=1e-3)


def test_poisson_summaries_are_free_of_scale_and_offset() -> None:
    task = make_task("poisson_gradient")
    before = task.summarize(0).scalars["psnr"]
    last = task.model.linear_layers[-1]
    last.kernel.assign(3.0 * last.kernel)
    last.bias.assign(3.0 * last.bias + 2.0)
    assert task.summarize(0).scalars["psnr"] == pytest.approx(before, abs=1e-3)


def test_video_and_audio_are_summarized() -> None:
    assert make_task("video").summarize(0).images["target"].shape == (HEIGHT, WIDTH, 1)
    summary = make_task("audio").summarize(0)
    assert set(summary.scalars) == {"snr"} and not summary.images


def test_a_network_that_does_not_fit_the_task_is_refused() -> None:
    arguments = (TrainingConfig(), features("image"))
    with pytest.raises(ConfigError, match=r"network\.in_features"):
        SirenTask(SirenExperiment(), NetworkConfig(in_features=3), *arguments)
    with pytest.raises(ConfigError, match=r"network\.out_features"):
        SirenTask(SirenExperiment(), NetworkConfig(out_features=3), *arguments)


REPLICAS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from siren_signals import make_task

options = dict(prior="tv", training={"clip_norm": 0.5}, points_at_once=4)
alone = make_task("inpainting", **options)
step = tf.function(alone.train_step)
strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
with strategy.scope():
    shared = make_task("inpainting", **options)
together = tf.function(lambda batch: strategy.run(shared.train_step, args=(batch,)))
distributed = strategy.experimental_distribute_dataset(shared.dataset(0))
for batch, global_batch, _ in zip(alone.dataset(0), distributed, range(4)):
    expected = step(batch)
    found = strategy.reduce("SUM", together(global_batch), axis=None)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4)
for left, right in zip(alone.model.get_weights(), shared.model.get_weights()):
    np.testing.assert_allclose(left, right, rtol=1e-3, atol=2e-5)
assert shared.summarize(4).scalars["psnr"] > 0
"""


def test_two_replicas_do_what_one_does(project_dir: Path) -> None:
    """In a process of its own: devices are fixed once TensorFlow has started."""
    run_in_a_process(REPLICAS, __file__, project_dir)


def test_all_samples_of_a_sound_are_taken_in_order() -> None:
    (batch,) = make_task("audio", audio_extent=2.0).dataset(0).take(1)
    assert batch["coordinates"].shape == (SAMPLES, 1)
    assert float(batch["coordinates"][0, 0]) == -2.0 and float(batch["coordinates"][-1, 0]) == 2.0
