"""What tasks of a cluster do besides running TFX's launcher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.errors import ConfigError, DataError, RunError
from components.lineage.metadata_uri import sqlite_uri
from pipelines.configs.paper_config import resolve_config
from pipelines.registry import PIPELINES, find_pipeline
from pipelines.runners import kubeflow_node
from pipelines.runners.beam_options import LOCAL_BEAM_ARGS
from pipelines.runners.kubeflow_node import TaskRequest, _part_in_node, build_pipeline, find_data

RUN_ID = "5f0a"


def task_request(root: str, *assignments: str, **values: Any) -> TaskRequest:
    pipeline = values.pop("pipeline", "siren_pipeline")
    config = find_pipeline(pipeline).load_config()
    given = {
        "pipeline": pipeline,
        "run_id": RUN_ID,
        "resolved": resolve_config(config, values.pop("preset", "smoke"), assignments),
        "root": root,
        "data_root": "",
        "metadata_uri": sqlite_uri(Path(root) / "metadata.sqlite"),
        "git_commit": "0123abc",
    }
    return TaskRequest(**{**given, **values})


def test_sample_data_are_written_once_and_found_by_the_other_tasks(tmp_path: Path) -> None:
    request = task_request(str(tmp_path), "experiment.task=audio")
    made = Path(find_data(request))
    assert made.is_relative_to(tmp_path / "sample_data")
    written = made.stat().st_mtime_ns
    assert find_data(request) == str(made)
    assert made.stat().st_mtime_ns == written
    made.unlink()
    assert Path(find_data(request)).is_file()


def test_configurations_do_not_share_a_note(tmp_path: Path) -> None:
    audio = find_data(task_request(str(tmp_path), "experiment.task=audio"))
    video = find_data(task_request(str(tmp_path), "experiment.task=video"))
    assert Path(audio).suffix == ".wav"
    assert Path(video).is_dir()


def test_below_an_object_store_every_task_makes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    request = task_request("gs://bucket/runs", "experiment.task=audio")
    assert Path(find_data(request)).is_relative_to(tmp_path)


def test_a_run_that_needs_its_own_data_says_so(tmp_path: Path) -> None:
    request = task_request(str(tmp_path), pipeline="only_bn_pipeline", preset="paper")
    with pytest.raises(ConfigError, match="data"):
        find_data(request)
    assert find_data(task_request(str(tmp_path), data_root="/data/cifar")) == "/data/cifar"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("tfx", reason="needs the `pipelines` extra")
    return build_pipeline(task_request(str(tmp_path_factory.mktemp("runs"))))


class EarlierTry:
    """An execution of a node of the run, as an earlier try left it."""

    def __init__(self, pipeline: Any, node_id: str, state: str) -> None:
        from ml_metadata.proto import metadata_store_pb2
        from tfx.orchestration.portable import execution_publish_utils
        from tfx.orchestration.portable.mlmd import context_lib

        from pipelines.runners.node import find_node, open_metadata

        self._pipeline, self._node_id = pipeline, node_id
        node = find_node(pipeline, node_id)
        with open_metadata(pipeline) as handle:
            self.store = handle.store
            execution = execution_publish_utils.register_execution(
                metadata_handle=handle,
                execution_type=node.node_info.type,
                contexts=context_lib.prepare_contexts(handle, node.contexts),
            )
            execution.last_known_state = metadata_store_pb2.Execution.State.Value(state)
            handle.store.put_executions([execution])
        self.execution_id = int(execution.id)

    def tidy(self) -> int | None:
        from pipelines.runners.resumed_node import tidy_earlier_try

        return tidy_earlier_try(self._pipeline, self._node_id)

    @property
    def state(self) -> str:
        [execution] = self.store.get_executions_by_id([self.execution_id])
        return str(execution.State.Name(execution.last_known_state))


@pytest.mark.parametrize(("node_id", "state"), [("Transform", "RUNNING"), ("Trainer", "FAILED")])
def test_files_of_an_unfinished_output_are_removed(pipeline: Any, node_id: str, state: str) -> None:
    earlier = EarlierTry(pipeline, node_id, state)
    root = Path(pipeline.runtime_spec.pipeline_root.field_value.string_value)
    key = {"Transform": "transform_graph", "Trainer": "model"}[node_id]
    begun = root / node_id / key / str(earlier.execution_id)
    of_another = root / node_id / key / "999"
    for folder in (begun, of_another):
        (folder / "assets").mkdir(parents=True)
        (folder / "assets" / "half").write_text("x")
    assert earlier.tidy() is None
    assert not begun.exists()
    assert of_another.exists()
    assert earlier.state == state


def test_a_finished_execution_is_found(pipeline: Any) -> None:
    earlier = EarlierTry(pipeline, "Pusher", "COMPLETE")
    assert earlier.tidy() == earlier.execution_id


def test_a_resolver_that_was_cut_off_is_closed(pipeline: Any) -> None:
    earlier = EarlierTry(pipeline, "Baseline", "RUNNING")
    assert earlier.tidy() is None
    assert earlier.state == "CANCELED"


def test_a_first_try_finds_nothing(pipeline: Any) -> None:
    from pipelines.runners.resumed_node import tidy_earlier_try

    assert tidy_earlier_try(pipeline, "Schema") is None


def test_the_run_knows_its_commit_and_configuration(pipeline: Any) -> None:
    for node in pipeline.nodes:
        [run] = [
            one for one in node.pipeline_node.contexts.contexts if one.type.name == "pipeline_run"
        ]
        assert run.name.field_value.string_value == RUN_ID
        facts = {name: value.field_value.string_value for name, value in run.properties.items()}
        assert facts["git_commit"] == "0123abc"
        assert facts["preset"] == "smoke"
        assert facts["run_id"] == RUN_ID


BEAM_NODES = {"ExampleGen", "StatisticsGen", "Transform", "Evaluator"}
FLINK = ("--runner=FlinkRunner", "--flink_master=flink:8081", "--parallelism=8")


@pytest.mark.parametrize("name", sorted(PIPELINES))
@pytest.mark.parametrize(
    ("given", "expected"),
    [(FLINK, FLINK), (("--direct_num_workers=2",), (*LOCAL_BEAM_ARGS, "--direct_num_workers=2"))],
    ids=["elsewhere", "here"],
)
def test_options_of_beam_reach_every_beam_node_in_their_order(
    name: str, given: tuple[str, ...], expected: tuple[str, ...], tmp_path: Path
) -> None:
    pytest.importorskip("tfx", reason="needs the `pipelines` extra")
    from tfx.orchestration.local import runner_utils
    from tfx.proto.orchestration import executable_spec_pb2

    request = task_request(str(tmp_path), pipeline=name, data_root="/data", beam_args=given)
    pipeline = build_pipeline(request)
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    found = {}
    for node in pipeline.nodes:
        node_id = node.pipeline_node.node_info.id
        spec = runner_utils.extract_executor_spec(deployment, node_id)
        if isinstance(spec, executable_spec_pb2.BeamExecutableSpec):
            found[node_id] = tuple(
                one.value.string_value for one in spec.beam_pipeline_args_placeholders
            )
    assert set(found) >= BEAM_NODES
    assert found == dict.fromkeys(found, expected)


WORKERS = {"worker": ["a:1", "b:1"]}


@pytest.mark.parametrize(
    ("node_id", "strategy", "index", "part"),
    [
        ("Trainer", "multi_worker", 0, "run"),
        ("Trainer", "multi_worker", 1, "help"),
        ("Trainer", "multi_worker", None, "await"),
        ("Trainer", "auto", None, "run"),
        ("Evaluator", "multi_worker", None, "run"),
    ],
)
def test_what_a_process_has_to_do_with_the_node(
    node_id: str,
    strategy: str,
    index: int | None,
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if index is not None:
        task = {"cluster": WORKERS, "task": {"type": "worker", "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    request = task_request(str(tmp_path), f"training.strategy={strategy}")
    assert _part_in_node(request, node_id) == part


@pytest.mark.parametrize(
    ("node_id", "strategy"), [("Trainer", "auto"), ("Evaluator", "multi_worker")]
)
def test_workers_that_would_each_run_the_node_are_refused(
    node_id: str, strategy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = {"cluster": WORKERS, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    request = task_request(str(tmp_path), f"training.strategy={strategy}")
    with pytest.raises(ConfigError, match="each of them would run the node by itself"):
        kubeflow_node.run(request, node_id, print)


class Launch:
    """A launch that fails a number of times, then gives its number."""

    def __init__(self, failure: Exception, failures: int) -> None:
        self._failure, self._failures = failure, failures
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        if self.count <= self._failures:
            raise self._failure
        return self.count


def test_a_launch_whose_end_is_unknown_is_repeated(pipeline: Any) -> None:
    from ml_metadata.errors import AlreadyExistsError

    from components.lineage.patient_store import LostAnswerError
    from pipelines.runners.patient_metadata import LAUNCHES, relaunch

    for failure in (LostAnswerError("lost"), AlreadyExistsError("a context of that name")):
        assert relaunch(Launch(failure, LAUNCHES - 1)) == LAUNCHES
        with pytest.raises(RunError, match="metadata store"):
            relaunch(Launch(failure, LAUNCHES))
    failing = Launch(DataError("a broken record"), 1)
    with pytest.raises(DataError):
        relaunch(failing)
    assert failing.count == 1
