"""What is left of event files when a run goes on from a checkpoint."""

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.training_logs import TrainingLogs

PICTURE = {"picture": np.full((4, 4, 1), 0.5, np.float32)}


def write(folder, steps, resumed_from):
    with TrainingLogs(folder, resumed_from) as logs:
        for step in steps:
            logs.write(step, {"loss": float(step)}, PICTURE)
            logs.flush()


def points(folder, tag="loss"):
    found = []
    for path in sorted(folder.iterdir()):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            found += [event.step for value in event.summary.value if value.tag == tag]
    return sorted(found)


@pytest.mark.parametrize("tag", ["loss", "picture"])
def test_events_after_the_checkpoint_are_dropped(tag, tmp_path):
    write(tmp_path, [0, 2, 4, 6], None)
    write(tmp_path, [6, 8], 4)
    assert points(tmp_path, tag) == [0, 2, 4, 6, 8]


def test_several_earlier_files_are_all_cut(tmp_path):
    write(tmp_path, [0, 2, 4], None)
    write(tmp_path, [4, 6, 8], 2)
    write(tmp_path, [2, 4], 0)
    assert points(tmp_path) == [0, 2, 4]


def test_new_start_drops_everything(tmp_path):
    write(tmp_path, [0, 2], None)
    write(tmp_path, [0, 2, 4], None)
    assert points(tmp_path) == [0, 2, 4]


def test_event_cut_off_by_a_kill_costs_only_itself(tmp_path):
    write(tmp_path, [0, 2, 4], None)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-10])
    write(tmp_path, [4], 2)
    assert points(tmp_path, "picture") == [0, 2, 4]
