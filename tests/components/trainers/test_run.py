"""The entry point of TFX's Trainer, without TFX."""

import json
from types import SimpleNamespace

import pytest
import tensorflow as tf
from training_children import train_in_child

from components.errors import ConfigError
from components.trainers.run import run_fn, run_identity
from components.trainers.trainer_inputs import TrainerInputs
from components.trainers.training_config import TrainingConfig

CUSTOM = {
    "paper": "tiny",
    "identity": "digest of the code",
    "config": {"units": 8, "training": {"steps": 6, "summary_every_steps": 3, "threads": 1}},
}


@pytest.fixture(autouse=True)
def examples(tmp_path):
    """An Examples artifact of three records in each split."""
    counts = {}
    for split in ("train", "eval"):
        folder = tmp_path / "examples" / f"Split-{split}"
        folder.mkdir(parents=True)
        for index, count in enumerate((1, 2)):
            path = str(folder / f"part-{index}.gz")
            with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions("GZIP")) as writer:
                for _ in range(count):
                    writer.write(b"record")
        counts[split] = {"written": 3}
    (tmp_path / "examples" / "counts.json").write_text(json.dumps({"splits": counts}))
    return tmp_path / "examples"


def test_run_trains_exports_logs_and_removes_its_checkpoints(tmp_path):
    custom = CUSTOM | {"checkpoint_root": str(tmp_path / "checkpoints")}
    outcome = train_in_child(tmp_path, custom_config=custom)
    assert outcome.exit_code == 0, outcome.report
    assert outcome.report["served"] == [3, 1]
    assert outcome.report["pipeline_packages"] == []
    model_run = tmp_path / "model_run"
    assert len(list((model_run / "logs").glob("events.out.tfevents.*"))) == 1
    history = json.loads((model_run / "history.json").read_text())
    assert [row["step"] for row in history] == [0, 3, 6]
    training = json.loads((model_run / "training.json").read_text())
    assert training["training"]["steps"] == 6 and training["resumed_from"] == 0
    assert training["runtime"]["threads"] == 1
    assert list((tmp_path / "checkpoints").iterdir()) == []


@pytest.mark.faults
def test_failed_run_keeps_its_checkpoints_and_goes_on_from_them(tmp_path):
    custom = CUSTOM | {"checkpoint_root": str(tmp_path / "checkpoints")}
    (tmp_path / "model").write_text("in the way of the export")
    failed = train_in_child(tmp_path, custom_config=custom)
    assert failed.exit_code == 70
    (tmp_path / "model").unlink()
    again = train_in_child(tmp_path, custom_config=custom)
    assert again.exit_code == 0
    training = json.loads((tmp_path / "model_run" / "training.json").read_text())
    assert training["resumed_from"] == 6


def fn_args(custom_config):
    return SimpleNamespace(
        custom_config=custom_config,
        train_files=["a"],
        eval_files=["b"],
        transform_graph_path="c",
        schema_path=None,
        base_model=None,
    )


@pytest.mark.parametrize("missing", ["paper", "identity", "config", "checkpoint_root"])
def test_incomplete_custom_config_is_named(missing):
    custom = {**CUSTOM, "checkpoint_root": "r"}
    del custom[missing]
    with pytest.raises(ConfigError, match=f"{missing} missing"):
        run_fn(fn_args(custom))


def test_unknown_paper_is_named():
    with pytest.raises(ConfigError, match="no trainer for the paper 'nobody'"):
        run_fn(fn_args({**CUSTOM, "paper": "nobody", "checkpoint_root": "r"}))


def test_unknown_training_setting_is_named():
    config = {"training": {"step": 3}}
    with pytest.raises(ConfigError, match="step"):
        run_fn(fn_args({**CUSTOM, "config": config, "checkpoint_root": "r"}))


def inputs(**changes):
    values = {
        "train_files": ("examples/3/Split-train/*",),
        "eval_files": ("examples/3/Split-eval/*",),
        "transform_dir": "transform/4",
        "schema_path": None,
        "config": {},
        "training": TrainingConfig(),
    }
    return TrainerInputs(**{**values, **changes})


def test_identity_depends_on_config_code_and_data():
    identities = {
        run_identity(CUSTOM, inputs()),
        run_identity({**CUSTOM, "config": {}}, inputs()),
        run_identity({**CUSTOM, "identity": "other code"}, inputs()),
        run_identity(CUSTOM, inputs(train_files=("examples/9/Split-train/*",))),
        run_identity(CUSTOM, inputs(transform_dir="transform/10")),
    }
    assert len(identities) == 5
    assert run_identity({**CUSTOM, "checkpoint_root": "moved"}, inputs()) in identities


def test_records_are_counted_over_all_files(examples):
    patterns = (str(examples / "Split-train" / "*"),)
    assert inputs(train_files=patterns).num_train_records == 3


@pytest.mark.faults
def test_truncated_records_stop_the_run_before_it_trains(examples, tmp_path):
    (path,) = examples.glob("Split-train/part-1.gz")
    path.write_bytes(path.read_bytes()[:-12])
    custom = CUSTOM | {"checkpoint_root": str(tmp_path / "checkpoints")}
    outcome = train_in_child(tmp_path, custom_config=custom)
    assert outcome.report["error"]["type"] == "DataError"
    assert "found:    2 records" in outcome.report["error"]["text"]
    assert outcome.report["progress"] == []
