"""Checkpoints whose files are damaged, foreign, unfit or cannot be written."""

import errno
import json
import logging
import os

import numpy as np
import pytest
import tensorflow as tf

from components.errors import TrainingError
from components.trainers.checkpoints import Checkpoints, remove_checkpoints

HISTORY = [{"step": 0, "loss": 0.5}]


def variable(value=0.0, size=3):
    return tf.Variable(tf.fill([size], tf.constant(value, tf.float32)))


def checkpoints(folder, item, *, identity="mine", keep=2, publishes=True):
    return Checkpoints(folder, {"item": item}, identity=identity, keep=keep, publishes=publishes)


@pytest.fixture
def saved(tmp_path):
    """Checkpoints of the steps 1, 2 and 3, of which two are kept; the variable holds the step."""
    item = variable()
    store = checkpoints(tmp_path, item)
    for step in (1, 2, 3):
        item.assign(tf.fill([3], float(step)))
        store.save(step, [*HISTORY, {"step": step, "loss": 1 / step}])
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_empty_folder_restores_nothing(tmp_path):
    assert checkpoints(tmp_path / "absent", variable()).restore() is None


def test_newest_is_restored_with_its_history_and_two_are_kept(saved):
    item = variable()
    restored = checkpoints(saved, item).restore()
    assert (restored.step, item.numpy().tolist()) == (3, [3.0, 3.0, 3.0])
    assert restored.history == [*HISTORY, {"step": 3, "loss": 1 / 3}]
    assert names(saved) == ["step-00000002", "step-00000003"]


def test_step_that_is_already_saved_is_not_written_again(saved):
    store = checkpoints(saved, variable())
    store.restore()
    before = (saved / "step-00000003").stat().st_mtime_ns
    store.save(3, HISTORY)
    assert (saved / "step-00000003").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "name", ["variables.index", "variables.data-00000-of-00001", "history.json", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "empty"])
def test_damaged_newest_is_reported_passed_over_and_removed(name, damage, saved, caplog):
    path = saved / "step-00000003" / name
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    item = variable()
    with caplog.at_level(logging.WARNING):
        restored = checkpoints(saved, item).restore()
    assert (restored.step, item.numpy().tolist()) == (2, [2.0, 2.0, 2.0])
    assert "passing over the damaged checkpoint" in caplog.text and "step-00000003" in caplog.text
    assert names(saved) == ["step-00000002"]


def test_checkpoint_in_the_folder_of_another_step_is_damaged(saved):
    (saved / "step-00000003").rename(saved / "step-00000009")
    assert checkpoints(saved, variable()).restore().step == 2


def test_all_damaged_is_a_new_start(saved):
    for path in saved.iterdir():
        (path / "manifest.json").write_text("{}")
    assert checkpoints(saved, variable()).restore() is None


def test_another_identity_is_refused_and_stays(saved):
    with pytest.raises(TrainingError, match="belongs to another run"):
        checkpoints(saved, variable(), identity="other").restore()
    assert names(saved) == ["step-00000002", "step-00000003"]


@pytest.mark.parametrize("item", [variable(size=4), tf.train.Checkpoint(inner=variable())])
def test_checkpoint_that_does_not_fit_the_model_is_an_error(item, saved):
    with pytest.raises(TrainingError, match="does not fit the model"):
        checkpoints(saved, item).restore()


def test_unfinished_saves_are_swept(saved):
    (saved / ".saving-abc").mkdir()
    checkpoints(saved, variable()).restore()
    assert names(saved) == ["step-00000002", "step-00000003"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_state_that_is_not_finite_is_not_saved(value, saved):
    item = variable()
    store = checkpoints(saved, item)
    store.restore()
    item.assign([0.0, value, 0.0])
    with pytest.raises(TrainingError, match="not finite after 4 steps"):
        store.save(4, HISTORY)
    assert names(saved) == ["step-00000002", "step-00000003"]


def test_full_disk_names_path_free_and_needed_bytes(saved, monkeypatch):
    store = checkpoints(saved, variable(size=3))
    store.restore()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left on device") as raised:
        store.save(4, HISTORY)
    assert str(saved) in str(raised.value) and "bytes free" in raised.value.found
    assert raised.value.expected == "12 bytes free"  # three floats
    assert names(saved) == ["step-00000002", "step-00000003"]
    monkeypatch.undo()
    assert checkpoints(saved, variable()).restore().step == 3


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match="cannot be written to"):
        checkpoints(tmp_path / "file" / "below", variable()).save(1, HISTORY)


def test_worker_that_does_not_publish_leaves_nothing(tmp_path):
    checkpoints(tmp_path, variable(), publishes=False).save(1, HISTORY)
    assert names(tmp_path) == []


def test_manifest_holds_sizes_sums_step_and_identity(saved):
    folder = saved / "step-00000003"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["step"], manifest["identity"]) == (3, "mine")
    files = {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert manifest["files"].keys() == files
    for name, mark in manifest["files"].items():
        assert mark["bytes"] == (folder / name).stat().st_size and len(mark["sha256"]) == 64


def test_removed_after_export(saved):
    remove_checkpoints(saved)
    assert not saved.exists()
