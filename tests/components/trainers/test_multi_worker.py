"""Two workers on loopback that train one model through `TF_CONFIG`."""

import numpy as np
import pytest
from loopback_workers import worker_environments
from training_children import train_in_child, train_workers_in_children

pytestmark = pytest.mark.faults

CONFIG = {
    "steps": 20,
    "learning_rate": 1e-2,
    "checkpoint_every_steps": 6,
    "summary_every_steps": 4,
    "threads": 1,
}
MULTI = CONFIG | {"strategy": "multi_worker"}
# Another order of the sums.
TOLERANCE = 1e-4


def group(*, chief=False):
    return [{"environment": one} for one in worker_environments(chief=chief)]


def checkpoints(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def errors(outcomes):
    return [outcome.report.get("error", {}).get("type") for outcome in outcomes]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """One worker with the same global batch, never interrupted."""
    return train_in_child(tmp_path_factory.mktemp("one"), config=CONFIG)


def assert_like_one(one, outcomes):
    for outcome in outcomes:
        assert outcome.exit_code == 0, outcome.report
        for left, right in zip(one.report["history"], outcome.report["history"], strict=True):
            assert left == pytest.approx(right, rel=TOLERANCE, abs=1e-6)
        for left, right in zip(one.weights, outcome.weights, strict=True):
            np.testing.assert_allclose(left, right, rtol=TOLERANCE, atol=TOLERANCE)
    for outcome in outcomes[1:]:
        for left, right in zip(outcomes[0].weights, outcome.weights, strict=True):
            np.testing.assert_array_equal(left, right)


def test_two_workers_equal_one_and_write_one_set_of_checkpoints(one, tmp_path):
    outcomes = train_workers_in_children(tmp_path, group(), config=MULTI)
    assert_like_one(one, outcomes)
    assert outcomes[0].report["runtime"]["replicas"] == 2
    assert checkpoints(tmp_path) == ["step-00000018", "step-00000020"]
    assert len(list((tmp_path / "logs").iterdir())) == 1


def test_when_one_is_asked_to_stop_both_save_the_same_step_and_go_on_from_it(one, tmp_path):
    workers = group(chief=True)
    workers[1]["faults"] = {"terminate_at": 9}
    stopped = train_workers_in_children(tmp_path, workers, config=MULTI)
    assert [outcome.exit_code for outcome in stopped] == [75, 75]
    assert errors(stopped) == ["Preempted", "Preempted"]
    assert stopped[0].report["error"] == stopped[1].report["error"]
    saved = int(checkpoints(tmp_path)[-1].removeprefix("step-"))
    assert f"step {saved} is saved" in stopped[0].report["error"]["text"]
    # Batches are drawn ahead of their update, and the count of a step is read two steps later.
    assert abs(saved - 9) <= 5
    resumed = train_workers_in_children(tmp_path, group(chief=True), config=MULTI)
    assert [outcome.report["resumed_from"] for outcome in resumed] == [saved, saved]
    assert_like_one(one, resumed)


def test_when_one_is_killed_the_other_says_so_and_both_go_on_later(one, tmp_path):
    workers = group()
    workers[1]["faults"] = {"kill_at": 14}
    left, dead = train_workers_in_children(tmp_path, workers, config=MULTI)
    assert dead.exit_code == -9
    assert (left.exit_code, left.report["error"]["type"]) == (1, "TrainingError")
    assert "another worker of this training is gone" in left.report["error"]["text"]
    assert "go on from the last checkpoint" in left.report["error"]["text"]
    resumed = train_workers_in_children(tmp_path, group(), config=MULTI)
    assert {outcome.report["resumed_from"] for outcome in resumed} <= {6, 12}
    assert_like_one(one, resumed)


def test_a_worker_whose_peer_never_comes_can_be_stopped(tmp_path):
    [alone] = train_workers_in_children(
        tmp_path, group()[:1], config=MULTI, terminate_after_seconds=3.0
    )
    assert alone.exit_code == 75
    assert "before all workers were there" in alone.report["error"]["text"]
    assert any("waiting for the workers at localhost:" in line for line in alone.report["log"])


def test_workers_that_do_not_train_the_same_are_refused(tmp_path):
    workers = group()
    workers[1]["identity"] = "of another configuration"
    outcomes = train_workers_in_children(tmp_path, workers, config=MULTI)
    assert errors(outcomes) == ["TrainingError", "TrainingError"]
    for outcome in outcomes:
        assert "do not start the same training" in outcome.report["error"]["text"]
    assert not (tmp_path / "checkpoints").exists()
