"""The shared loop on a tiny task, each run in a process of its own."""

import numpy as np
import pytest
from training_children import train_in_child

CONFIG = {
    "steps": 20,
    "learning_rate": 1e-2,
    "checkpoint_every_steps": 6,
    "summary_every_steps": 4,
}


def assert_equal_weights(left, right):
    assert left and len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_close_weights(left, right, tolerance):
    assert left and len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An uninterrupted run on one device with everything else at its default."""
    return train_in_child(tmp_path_factory.mktemp("plain"), config=CONFIG)


def test_run_reduces_the_loss_and_gives_a_row_per_summary(plain):
    assert plain.exit_code == 0
    history = plain.report["history"]
    assert [row["step"] for row in history] == [0, 4, 8, 12, 16, 20]
    assert history[0].keys() == {"step", "mean"}
    assert history[-1].keys() == {"step", "mean", "loss", "fit", "size"}
    assert history[-1]["loss"] < 0.7 * history[1]["loss"]
    assert history[-1]["loss"] == pytest.approx(history[-1]["fit"] + history[-1]["size"])


def test_runtime_is_pinned_and_recorded(plain):
    runtime = plain.report["runtime"]
    assert runtime["deterministic_ops"] is True
    assert runtime["threads"] == runtime["cores"]
    assert runtime["replicas"] == 1
    assert {"tensorflow", "keras", "processor", "precision", "onednn"} <= runtime.keys()


def test_progress_flags_the_compiling_step_and_ends_at_the_last(plain):
    first, *others = plain.report["progress"]
    assert first == {"step": 0, "total": 20, "phase": "compile"}
    assert others[0]["step"] == 1 and others[0]["eta_seconds"] is None
    assert others[-1]["step"] == 20 and others[-1]["eta_seconds"] == 0
    assert {"loss", "mean", "steps_per_second"} <= others[-1].keys()
    assert len(others) <= 2 + 4 * plain.report["seconds"]
    assert plain.report["first_step_seconds"] > 1 / plain.report["steps_per_second"]


def test_same_run_in_another_process_gives_the_same_bytes(plain, tmp_path):
    assert_equal_weights(plain.weights, train_in_child(tmp_path, config=CONFIG).weights)


def test_another_seed_gives_other_weights(plain, tmp_path):
    other = train_in_child(tmp_path, config=CONFIG | {"seed": 1})
    assert not np.array_equal(plain.weights[0], other.weights[0])


def test_zero_steps_show_the_untrained_state(tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG | {"steps": 0})
    assert outcome.exit_code == 0
    assert [row["step"] for row in outcome.report["history"]] == [0]
    assert outcome.report["progress"] == []
    assert outcome.weights


def test_finished_run_started_again_makes_no_step(tmp_path):
    first = train_in_child(tmp_path, config=CONFIG)
    again = train_in_child(tmp_path, config=CONFIG, faults={"kill_at": 20})
    assert (again.exit_code, again.report["resumed_from"]) == (0, 20)
    assert again.report["history"] == first.report["history"]
    assert_equal_weights(first.weights, again.weights)


def test_one_step_more_is_one_step_made(tmp_path):
    train_in_child(tmp_path, config=CONFIG)
    longer = train_in_child(tmp_path, config=CONFIG | {"steps": 21})
    assert longer.report["resumed_from"] == 20
    assert longer.report["steps_per_second"] is None  # its only step compiled
    straight = train_in_child(tmp_path / "logs", config=CONFIG | {"steps": 21})
    assert_equal_weights(longer.weights, straight.weights)


def test_checkpoint_one_step_past_the_end_is_refused(tmp_path):
    train_in_child(tmp_path, config=CONFIG)
    outcome = train_in_child(tmp_path, config=CONFIG | {"steps": 19})
    assert outcome.exit_code == 1
    assert outcome.report["error"]["type"] == "TrainingError"
    assert "past the end" in outcome.report["error"]["text"]


def test_checkpoint_of_another_identity_is_refused(tmp_path):
    train_in_child(tmp_path, config=CONFIG)
    outcome = train_in_child(tmp_path, config=CONFIG, identity="other")
    assert outcome.report["error"]["type"] == "TrainingError"
    assert "belongs to another run" in outcome.report["error"]["text"]
    assert len(list((tmp_path / "checkpoints").glob("step-*"))) == 2


def test_accumulation_equals_the_full_batch(plain, tmp_path):
    config = CONFIG | {"accumulation_steps": 4}
    assert_close_weights(plain.weights, train_in_child(tmp_path, config=config).weights, 1e-4)


def test_accumulation_that_does_not_divide_the_batch_is_refused(tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG | {"accumulation_steps": 5})
    assert outcome.exit_code == 2
    assert "32 rows in 5 parts" in outcome.report["error"]["text"]


@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_two_devices_equal_one_with_the_same_global_batch(clip_norm, tmp_path):
    config = CONFIG | {"clip_norm": clip_norm}
    one = train_in_child(tmp_path, config=config)
    two = train_in_child(tmp_path / "logs", config=config | {"strategy": "mirrored"}, devices=2)
    assert two.report["runtime"]["replicas"] == 2
    for left, right in zip(one.report["history"], two.report["history"], strict=True):
        assert left == pytest.approx(right, rel=1e-4, abs=1e-6)
    assert_close_weights(one.weights, two.weights, 1e-4)


def test_mixed_bfloat16_trains_close_to_float32(plain, tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG | {"precision": "mixed_bfloat16"})
    assert outcome.exit_code == 0
    assert all(w.dtype != "bfloat16" for w in outcome.weights)
    loss, expected = (run.report["history"][-1]["loss"] for run in (outcome, plain))
    assert loss == pytest.approx(expected, rel=0.1) and loss != expected


@pytest.mark.parametrize("devices", [1, 2])
def test_mixed_float16_scales_the_loss_but_not_what_is_shown(devices, plain, tmp_path):
    strategy = "mirrored" if devices == 2 else "auto"
    config = CONFIG | {"precision": "mixed_float16", "strategy": strategy, "clip_norm": 100.0}
    outcome = train_in_child(tmp_path, config=config, devices=devices)
    assert outcome.exit_code == 0
    loss, expected = (run.report["history"][-1]["loss"] for run in (outcome, plain))
    assert loss == pytest.approx(expected, rel=0.1)


def test_xla_trains_to_the_same_losses(plain, tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG | {"jit_compile": True})
    assert outcome.exit_code == 0
    assert_close_weights(plain.weights, outcome.weights, 1e-3)


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        ("mirrored", "no two devices of a kind"),
        ("multi_worker", "TF_CONFIG names no cluster"),
        ("tpu", "no TPU can be reached"),
    ],
)
def test_strategy_that_cannot_be_had_is_named(strategy, sentence, tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG | {"strategy": strategy})
    assert outcome.report["error"]["type"] == "StackError"
    assert sentence in outcome.report["error"]["text"].splitlines()[0]


def test_variables_made_during_training_are_refused(tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG, task={"builds_optimizer": False})
    assert outcome.report["error"]["type"] == "TrainingError"
    assert "made variables after it was built" in outcome.report["error"]["text"]


def test_dataset_that_ends_is_an_error(tmp_path):
    outcome = train_in_child(tmp_path, config=CONFIG, faults={"ends_at": 9})
    assert outcome.report["error"]["type"] == "TrainingError"
    assert "dataset ended" in outcome.report["error"]["text"]
