"""Training that is killed, stopped, poisoned or out of disk, and what the next run makes of it."""

import random
from collections import Counter

import numpy as np
import pytest
from training_children import train_in_child

pytestmark = pytest.mark.faults

CONFIG = {
    "steps": 24,
    "learning_rate": 1e-2,
    "checkpoint_every_steps": 5,
    "summary_every_steps": 2,
    "accumulation_steps": 2,
}
# Dropout holds random state of its own, which must come back too.
TASK = {"dropout": 0.2}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    outcome = train_in_child(folder, config=CONFIG, task=TASK)
    return outcome, event_points(folder)


def event_points(folder):
    """How often TensorBoard's files hold each (curve or picture, step)."""
    import tensorflow as tf

    points = Counter()
    for path in sorted((folder / "logs").iterdir()):
        assert "tfevents" in path.name
        for record in tf.compat.v1.io.tf_record_iterator(str(path)):
            event = tf.compat.v1.Event.FromString(record)
            points.update((value.tag, event.step) for value in event.summary.value)
    return points


def assert_ends_like(undisturbed, folder, *, resumed_from=None):
    """Runs to the end without faults and compares with the run that met none."""
    expected, points = undisturbed
    outcome = train_in_child(folder, config=CONFIG, task=TASK)
    assert outcome.exit_code == 0, outcome.report
    assert len(outcome.weights) == len(expected.weights) > 0
    for left, right in zip(expected.weights, outcome.weights, strict=True):
        np.testing.assert_array_equal(left, right)
    assert outcome.report["history"] == expected.report["history"]
    assert event_points(folder) == points
    if resumed_from is not None:
        assert outcome.report["resumed_from"] == resumed_from
    return outcome


def test_undisturbed_run_has_one_point_per_curve_and_summary(undisturbed):
    outcome, points = undisturbed
    assert set(points.values()) == {1}
    steps = {step for tag, step in points if tag == "loss"}
    assert steps == {row["step"] for row in outcome.report["history"]} - {0}
    assert ("surface", 24) in points


@pytest.mark.parametrize("step", random.Random(20).sample(range(24), 10))
def test_killed_run_ends_with_the_same_weights(step, undisturbed, tmp_path):
    killed = train_in_child(tmp_path, config=CONFIG, task=TASK, faults={"kill_at": step})
    assert (killed.exit_code, killed.report) == (-9, {})
    assert_ends_like(undisturbed, tmp_path)


def test_run_killed_again_and_again_ends_with_the_same_weights(undisturbed, tmp_path):
    for step in (7, 12, 13, 21):
        killed = train_in_child(tmp_path, config=CONFIG, task=TASK, faults={"kill_at": step})
        assert killed.exit_code == -9
    assert_ends_like(undisturbed, tmp_path)


def test_kill_while_a_checkpoint_is_written_leaves_the_earlier_ones(undisturbed, tmp_path):
    killed = train_in_child(tmp_path, config=CONFIG, task=TASK, kill_in_save=3)
    assert killed.exit_code == -9
    left = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert left[0].startswith(".saving-") and left[1:] == ["step-00000005", "step-00000010"]
    assert_ends_like(undisturbed, tmp_path, resumed_from=10)
    assert not list((tmp_path / "checkpoints").glob(".saving-*"))


@pytest.mark.parametrize("step", [0, 11])
def test_sigterm_saves_and_exits_with_75(step, undisturbed, tmp_path):
    stopped = train_in_child(tmp_path, config=CONFIG, task=TASK, faults={"terminate_at": step})
    assert stopped.exit_code == 75
    assert stopped.report["error"]["type"] == "Preempted"
    # Batches are drawn one or two steps ahead of the update that uses them.
    newest = max((tmp_path / "checkpoints").glob("step-*"))
    saved = int(newest.name.removeprefix("step-"))
    assert abs(saved - step) <= 3
    assert_ends_like(undisturbed, tmp_path, resumed_from=saved)


def test_truncated_newest_checkpoint_is_passed_over(undisturbed, tmp_path):
    train_in_child(tmp_path, config=CONFIG, task=TASK, faults={"kill_at": 18})
    newest = max((tmp_path / "checkpoints").glob("step-*"))
    data = next(newest.glob("*.data-*"))
    data.write_bytes(data.read_bytes()[:-100])
    older = int(newest.name.removeprefix("step-")) - 5
    outcome = assert_ends_like(undisturbed, tmp_path, resumed_from=older)
    assert any("damaged" in line and str(newest) in line for line in outcome.report["log"])


def test_nan_names_step_and_term_and_keeps_the_last_good_checkpoint(undisturbed, tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG, task=TASK, faults={"nan_at": 12})
    error = outcome.report["error"]
    assert (outcome.exit_code, error["type"]) == (1, "TrainingError")
    assert "loss term 'fit' is nan in step 12" in error["text"]
    left = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert left == ["step-00000005", "step-00000010"]
    assert_ends_like(undisturbed, tmp_path, resumed_from=10)


def test_full_disk_is_named_and_leaves_the_earlier_checkpoints(tmp_path):
    task = {"units": 2000}  # a checkpoint of 96 kB
    outcome = train_in_child(tmp_path, config=CONFIG, task=task, faults={"disk_full_at": 12})
    error = outcome.report["error"]
    assert (outcome.exit_code, error["type"]) == (1, "TrainingError")
    assert str(tmp_path / "checkpoints") in error["text"]
    assert "bytes free" in error["text"]
    left = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert left == ["step-00000005", "step-00000010"]
    resumed = train_in_child(tmp_path, config=CONFIG, task=task)
    straight = train_in_child(tmp_path / "logs", config=CONFIG, task=task)
    assert resumed.report["resumed_from"] == 10
    for left, right in zip(straight.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(left, right)
