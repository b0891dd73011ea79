from pathlib import Path

import pytest

pytest.importorskip("tfx")

from tfx.types import Channel, standard_artifacts

from components.errors import RunError
from components.pushers import versioned_directory
from components.pushers.atomic_pusher import AtomicPusher, AtomicPusherExecutor


@pytest.fixture
def model(tmp_path):
    directory = tmp_path / "model" / "Format-Serving"
    (directory / "variables").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(b"graph")
    (directory / "variables" / "variables.index").write_bytes(b"index")
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "model")
    artifact.id = 7
    return artifact


def blessing(blessed, model_id=7):
    artifact = standard_artifacts.ModelBlessing()
    artifact.set_int_custom_property("blessed", blessed)
    artifact.set_int_custom_property("current_model_id", model_id)
    return artifact


@pytest.fixture
def do(tmp_path, model):
    """Runs the executor as the component configures it; gives the artifact and the versions."""

    def run(blessings):
        component = AtomicPusher(
            model=Channel(type=standard_artifacts.Model),
            model_blessing=Channel(type=standard_artifacts.ModelBlessing),
            base_directory=str(tmp_path / "serving"),
        )
        pushed = standard_artifacts.PushedModel()
        pushed.uri = str(tmp_path / "pushed")
        AtomicPusherExecutor().Do(
            {"model": [model], "model_blessing": blessings},
            {"pushed_model": [pushed]},
            dict(component.exec_properties),
        )
        return pushed

    return run


def pushed_versions(tmp_path):
    serving = tmp_path / "serving"
    return versioned_directory.versions(str(serving)) if serving.exists() else []


def test_a_blessed_model_is_pushed_and_recorded(do, tmp_path):
    pushed = do([blessing(1)])
    (version,) = pushed_versions(tmp_path)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == str(version)
    destination = Path(pushed.get_string_custom_property("pushed_destination"))
    assert destination == tmp_path / "serving" / str(version)
    assert (destination / "variables" / "variables.index").read_bytes() == b"index"
    assert (Path(pushed.uri) / "saved_model.pb").read_bytes() == b"graph"


@pytest.mark.parametrize("blessings", [[blessing(0)], []])
def test_a_model_that_was_not_blessed_is_never_pushed(do, tmp_path, blessings):
    pushed = do(blessings)
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed_versions(tmp_path) == []
    assert not (tmp_path / "pushed").exists()


def test_the_blessing_of_another_model_is_an_error(do, tmp_path):
    with pytest.raises(RunError, match=r"model 7, blessing of model 6"):
        do([blessing(1, model_id=6)])
    assert pushed_versions(tmp_path) == []


def test_a_failed_push_records_nothing(do, tmp_path, monkeypatch):
    def full(source, destination):
        raise OSError(28, "No space left on device", destination)

    monkeypatch.setattr(versioned_directory, "copy_model_file", full)
    with pytest.raises(RunError, match="No space left"):
        do([blessing(1)])
    assert pushed_versions(tmp_path) == []


def test_the_component_runs_this_executor():
    assert AtomicPusher.EXECUTOR_SPEC.executor_class is AtomicPusherExecutor
