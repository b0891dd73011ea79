"""The task in the shared loop's hands: it learns, resumes, averages, and runs on replicas."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from own_process import run_in_a_process
from resumed_task import assert_resumes_exactly
from tiny_finegan import BATCH, NETWORK, compiled_step, make_task, values

from components.errors import ConfigError
from components.trainers.finegan.batches import CHILD, NOISE, STEP
from components.trainers.finegan.task import FineGanTask

TERMS = {
    "loss",
    "background_discriminator",
    "background_real",
    "background_made",
    "background_classified",
    "child_discriminator",
    "child_real",
    "child_made",
    "generator",
    "generator_background",
    "generator_background_classified",
    "parent_information",
    "generator_child",
    "child_information",
    "parent_code_accuracy",
    "child_code_accuracy",
}


def train(task: FineGanTask, steps: int, first_step: int = 0) -> list[dict[str, float]]:
    step = compiled_step(task)
    batches = task.dataset(first_step).take(steps)
    return [{name: float(value) for name, value in step(batch).items()} for batch in batches]


class Trained(NamedTuple):
    """A task after 60 updates, the terms of each, and what its variables were before."""

    task: FineGanTask
    rows: list[dict[str, float]]
    start: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def trained() -> Trained:
    task = make_task(steps=60)
    start = {variable.path: value for variable, value in _with_values(task)}
    return Trained(task, train(task, 60), start)


def _with_values(task: FineGanTask) -> list[tuple[keras.Variable, np.ndarray]]:
    every = [v for network in task.models.networks.values() for v in network.variables]
    return list(zip(every, values(every), strict=True))


def test_every_term_is_finite_and_the_totals_are_their_sums(trained: Trained) -> None:
    rows = trained.rows
    assert rows[0].keys() == TERMS
    assert np.isfinite([list(row.values()) for row in rows]).all()
    for row in rows:
        background = 10 * (row["background_real"] + row["background_made"])
        assert row["background_discriminator"] == pytest.approx(
            background + row["background_classified"], rel=1e-5
        )
        totals = ("background_discriminator", "child_discriminator", "generator")
        assert row["loss"] == pytest.approx(sum(row[name] for name in totals), rel=1e-5)


def test_the_codes_become_readable(trained: Trained) -> None:
    rows = trained.rows
    for name, classes in (("parent", NETWORK.parents), ("child", NETWORK.children)):
        last = np.mean([row[f"{name}_information"] for row in rows[-10:]])
        assert last < 0.7 * np.log(classes)
        assert np.mean([row[f"{name}_code_accuracy"] for row in rows[-10:]]) > 1.3 / classes


def test_the_summary_shows_five_rows_of_samples(trained: Trained) -> None:
    summary = trained.task.summarize(60)
    assert summary.images["samples"].shape == (5 * 32, 4 * 32, 3)
    assert summary.images["samples"].min() >= 0.0 and summary.images["samples"].max() <= 1.0
    assert 0.0 < summary.scalars["child_mask_share"] < 1.0


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    (_, second, *_), (again,) = (
        list(make_task().dataset(first).take(count)) for first, count in ((0, 2), (1, 1))
    )
    assert second[STEP].numpy().tolist() == [1] * BATCH
    for name in second:
        np.testing.assert_array_equal(second[name], again[name])
    (other,) = make_task(seed=4).dataset(1).take(1)
    assert not np.array_equal(second[NOISE], other[NOISE])
    assert second[CHILD].dtype == tf.int64


def test_the_parents_real_head_and_nothing_else_stays_as_it_was(trained: Trained) -> None:
    head = trained.task.models.parent_discriminator.real_head
    same = {
        variable.path
        for variable, value in _with_values(trained.task)
        if np.array_equal(value, trained.start[variable.path])
    }
    assert same == {variable.path for variable in head.variables}


def test_the_average_follows_parameters_and_takes_statistics_as_they_are(trained: Trained) -> None:
    average, generator = trained.task.average, trained.task.models.generator
    expected = values(average.trainable_variables)
    for index in range(2):
        train(trained.task, 1, 60 + index)
        parameters = values(generator.trainable_variables)
        expected = [0.9 * old + 0.1 * new for old, new in zip(expected, parameters, strict=True)]
    for own, reference in zip(values(average.trainable_variables), expected, strict=True):
        np.testing.assert_allclose(own, reference, rtol=1e-5, atol=1e-6)
    trained.task.summarize(62)
    for own, reference in zip(
        values(average.non_trainable_variables),
        values(generator.non_trainable_variables),
        strict=True,
    ):
        np.testing.assert_array_equal(own, reference)


def test_hard_negatives_start_from_the_average() -> None:
    task = make_task(hard_negative_steps=2, steps=4)
    networks = (task.models.generator, task.average)
    equal = []
    for index in range(4):
        (row,) = train(task, 1, index)
        assert np.isfinite(list(row.values())).all()
        pairs = zip(*(values(network.trainable_variables) for network in networks), strict=True)
        equal.append(all(np.array_equal(own, copy) for own, copy in pairs))
    assert equal == [False, True, False, False]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_float32_variables(precision: str, trained: Trained) -> None:
    keras.config.set_dtype_policy(precision)
    try:
        task = make_task(precision=precision)
        rows = train(task, 2)
        assert {variable.dtype for variable in task.models.generator.variables} == {"float32"}
        assert np.isfinite([row["loss"] for row in rows]).all()
        assert "samples" in task.summarize(2).images
    finally:
        keras.config.set_dtype_policy("float32")
    assert rows[0]["loss"] == pytest.approx(trained.rows[0]["loss"], rel=0.02)


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be accumulated"):
        make_task(accumulation_steps=2)
    with pytest.raises(ConfigError, match="as long as the training"):
        make_task(hard_negative_steps=8)


def test_a_run_that_goes_on_ends_with_the_same_weights(project_dir: Path, tmp_path: Path) -> None:
    """In another process, from a checkpoint in the phase of hard negatives."""
    assert_resumes_exactly(
        Path(__file__).with_name("tiny_finegan.py"),
        tmp_path,
        project_dir,
        fewest_arrays=200,
        hard_negative_steps=3,
    )


REPLICAS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tiny_finegan import BATCH, make_task, values
from components.transforms.finegan import SCENE_BOX

strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
alone = make_task()
with strategy.scope():
    shared = make_task(hard_negative_steps=2, steps=5)

def twice(batch):
    # Both replicas see the same images, so that their batch statistics are those of one.
    half = {name: value[: BATCH // 2] for name, value in batch.items()}
    return half, {name: tf.concat([value, value], 0) for name, value in half.items()}

step = tf.function(alone.train_step, autograph=False)
together = tf.function(lambda b: strategy.run(shared.train_step, args=(b,)), autograph=False)
halves = alone.dataset(0).map(lambda batch: twice(batch)[0])
wholes = strategy.experimental_distribute_dataset(alone.dataset(0).map(lambda b: twice(b)[1]))
for index, (half, whole) in enumerate(zip(halves.take(5), wholes)):
    found = strategy.reduce("SUM", together(whole), axis=None)
    assert np.isfinite(found["loss"])
    if index < 3:  # then hard negatives, of which each replica chooses its own
        for name, value in step(half).items():
            np.testing.assert_allclose(found[name], value, rtol=2e-3, atol=1e-5, err_msg=name)
assert shared.summarize(5).scalars["child_mask_share"] > 0
"""


def test_two_replicas_do_what_one_does(project_dir: Path) -> None:
    """In a process of its own: devices are fixed once TensorFlow has started."""
    run_in_a_process(REPLICAS, __file__, project_dir)
