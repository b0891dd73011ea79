"""The component around the report, with a tiny model and a store as the launcher leaves it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tfx = pytest.importorskip("tfx", reason="needs the `pipelines` extra")

import tensorflow as tf  # noqa: E402
from ml_metadata.proto import metadata_store_pb2 as pb  # noqa: E402
from tfx.dsl.components.base import base_executor  # noqa: E402
from tfx.types import channel_utils, standard_artifacts  # noqa: E402

from components.errors import ConfigError, DataError, RunError  # noqa: E402
from components.evaluators.verdict import Verdict  # noqa: E402
from components.lineage.metadata_uri import connect, sqlite_uri  # noqa: E402
from components.lineage.query import LineageError, run_lineage  # noqa: E402
from components.reports import report_component  # noqa: E402
from components.reports.content import PaperContent, PaperInputs  # noqa: E402
from components.reports.report_component import PapergardenReportV1, Report  # noqa: E402
from components.reports.siren_signals import load_signals  # noqa: E402

RUN = "20260102-1015-bb22"
HEIGHT, WIDTH = 6, 8


class TinyModel(tf.Module):
    """Shows every record as a gray ramp and is off by a constant."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        batch = tf.shape(examples)[0]
        ramp = tf.linspace(-1.0, 0.8, HEIGHT * WIDTH)
        target = tf.tile(ramp[tf.newaxis], [batch, 1])
        shape = tf.tile(tf.constant([[HEIGHT, WIDTH, 1]], tf.int64), [batch, 1])
        # Padding behind the values, as a batch of records of different sizes has it.
        padded = tf.pad(target, [[0, 0], [0, 5]])
        return {"prediction": padded + 0.1, "target": padded, "shape": shape}


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Model artifact's directory."""
    model = TinyModel()
    directory = tmp_path_factory.mktemp("model")
    tf.saved_model.save(
        model, str(directory / "Format-Serving"), signatures={"evaluate": model.evaluate}
    )
    return directory


def write_records(directory: Path, names: list[str]) -> None:
    folder = directory / "Split-eval"
    folder.mkdir(parents=True)
    path = str(folder / "data_tfrecord-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for name in names:
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[name.encode()]))
            features = tf.train.Features(feature={"image/id": feature})
            writer.write(tf.train.Example(features=features).SerializeToString())


def start_run(path: Path) -> str:
    """A store with one run in which the Report node is running."""
    uri = sqlite_uri(path)
    store = connect(uri)
    ids = {}
    for kind, name in (
        ("pipeline", "siren_pipeline"),
        ("pipeline_run", RUN),
        ("node", "siren_pipeline.Report"),
    ):
        type_id = store.put_context_type(pb.ContextType(name=kind))
        context = pb.Context(type_id=type_id, name=name)
        if kind == "pipeline_run":
            context.custom_properties["git_commit"].string_value = "c0ffee"
        ids[kind] = store.put_contexts([context])[0]
    type_id = store.put_execution_type(pb.ExecutionType(name="Report"))
    execution = pb.Execution(type_id=type_id, last_known_state=pb.Execution.RUNNING)
    [execution_id] = store.put_executions([execution])
    store.put_parent_contexts(
        [pb.ParentContext(parent_id=ids["pipeline"], child_id=ids["pipeline_run"])]
    )
    store.put_attributions_and_associations(
        [], [pb.Association(execution_id=execution_id, context_id=one) for one in ids.values()]
    )
    return uri


def artifact(kind: Any, path: Path) -> list[Any]:
    path.mkdir(parents=True, exist_ok=True)
    one = kind()
    one.uri = str(path)
    return [one]


class Setting:
    """What a launcher hands to the executor."""

    def __init__(self, root: Path, model: Path) -> None:
        write_records(root / "examples", ["camera.png"])
        history = [{"step": 25, "loss": 0.5, "psnr": 20.0}, {"step": 50, "loss": 0.2, "psnr": 25.0}]
        self.inputs = {
            "examples": artifact(standard_artifacts.Examples, root / "examples"),
            "transform_graph": artifact(standard_artifacts.TransformGraph, root / "transform"),
            "model": artifact(standard_artifacts.Model, model),
            "model_run": artifact(standard_artifacts.ModelRun, root / "model_run"),
            "evaluation": artifact(standard_artifacts.ModelEvaluation, root / "evaluation"),
            "blessing": artifact(standard_artifacts.ModelBlessing, root / "blessing"),
        }
        (root / "model_run" / "history.json").write_text(json.dumps(history))
        self.output = artifact(PapergardenReportV1, root / "report")[0]
        self.properties = {
            "paper": "siren",
            "config_json": json.dumps({"experiment": {"task": "image"}}),
            "metadata_uri": start_run(root / "metadata.sqlite"),
            "later_nodes": '["Pusher"]',
        }

    def run(self, run_id: str | None = RUN) -> None:
        context = base_executor.BaseExecutor.Context(pipeline_run_id=run_id)
        executor = report_component.ReportExecutor(context)
        executor.Do(self.inputs, {"report": [self.output]}, self.properties)


@pytest.fixture
def setting(tmp_path: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    def read_verdict(evaluation_dir: str, blessing_dir: str, *, baseline_name: str) -> Verdict:
        assert (evaluation_dir, blessing_dir, baseline_name) == (
            str(tmp_path / "evaluation"),
            str(tmp_path / "blessing"),
            "",
        )
        return Verdict(True, ["psnr is enough"], {"psnr": 26.0, "snr": math.inf}, None)

    monkeypatch.setattr(report_component, "read_verdict", read_verdict)
    return Setting(tmp_path, saved_model)


def test_executor_writes_page_data_and_pictures(setting: Setting) -> None:
    setting.run()
    written = {path.name for path in Path(setting.output.uri).iterdir()}
    assert written == {
        "report.html",
        "report.json",
        "target.png",
        "reconstruction.png",
        "error.png",
    }
    page = Path(setting.output.uri, "report.html").read_text()
    for fact in ("psnr is enough", RUN, "c0ffee", "running", "pending", "Pusher"):
        assert fact in page
    data = json.loads(Path(setting.output.uri, "report.json").read_text())
    assert data["history"]["psnr"] == {"steps": [25, 50], "values": [20.0, 25.0]}
    assert {node["node_id"]: node["state"] for node in data["nodes"]} == {
        "Report": "running",
        "Pusher": "pending",
    }


def test_verdict_goes_into_the_store_with_the_report(setting: Setting) -> None:
    setting.run()
    store = connect(setting.properties["metadata_uri"])
    kind = pb.ArtifactType(name=PapergardenReportV1.TYPE_NAME)
    proto = setting.output.mlmd_artifact
    proto.type_id = store.put_artifact_type(kind)
    [artifact_id] = store.put_artifacts([proto])
    [execution] = store.get_executions()
    event = pb.Event(execution_id=execution.id, artifact_id=artifact_id, type=pb.Event.OUTPUT)
    event.path.steps.add().key = "report"
    store.put_events([event])
    verdict = run_lineage(store, RUN).verdict
    assert verdict.blessed is True
    assert verdict.metrics == {"psnr": 26.0, "snr": math.inf}
    assert verdict.reasons == ("psnr is enough",)


def test_a_paper_without_tasks_is_compared_by_its_data_set(setting: Setting) -> None:
    setting.properties["config_json"] = json.dumps({"data": {"dataset": "cifar10"}})
    setting.run()
    assert json.loads(Path(setting.output.uri, "report.json").read_text())["task"] == "cifar10"


def test_paper_is_told_where_everything_is(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[PaperInputs] = []

    def paper_content(inputs: PaperInputs) -> PaperContent:
        seen.append(inputs)
        return PaperContent("title", "authors", "subject")

    monkeypatch.setattr(report_component, "find_paper_content", lambda _: paper_content)
    setting.run()
    [inputs] = seen
    directories = {name: artifacts[0].uri for name, artifacts in setting.inputs.items()}
    assert inputs.evaluation_dir == directories["evaluation"]
    assert inputs.transform_dir == directories["transform_graph"]
    assert inputs.saved_model_dir == f"{directories['model']}/Format-Serving"
    assert [Path(path).parents[1] for path in inputs.example_files] == [
        Path(directories["examples"])
    ]


def test_unknown_run_is_an_error(setting: Setting) -> None:
    with pytest.raises(LineageError, match="no-such-run"):
        setting.run("no-such-run")


def test_missing_run_id_is_an_error(setting: Setting) -> None:
    with pytest.raises(RunError, match="which run"):
        setting.run(None)


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_configuration_must_be_an_object(setting: Setting, text: str) -> None:
    setting.properties["config_json"] = text
    with pytest.raises(ConfigError, match="config_json"):
        setting.run()


def test_component_declares_what_it_takes_and_gives() -> None:
    channels = {
        "examples": standard_artifacts.Examples,
        "transform_graph": standard_artifacts.TransformGraph,
        "model": standard_artifacts.Model,
        "model_run": standard_artifacts.ModelRun,
        "evaluation": standard_artifacts.ModelEvaluation,
        "blessing": standard_artifacts.ModelBlessing,
    }
    component = Report(
        **{name: channel_utils.as_channel([kind()]) for name, kind in channels.items()},
        paper="siren",
        config_json="{}",
        metadata_uri="sqlite:///m",
    )
    assert component.id == "Report"
    assert component.outputs["report"].type_name == "PapergardenReportV1"
    assert component.exec_properties["later_nodes"] == '["Pusher"]'


def test_frames_are_taken_evenly_and_read_without_padding(
    tmp_path: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FakeGraph:
        def __init__(self, directory: str, outputs: list[str]) -> None:
            assert outputs == ["signal/frame"]
            self.calls = 0

        def from_serialized(self, batch: tf.Tensor) -> dict[str, tf.Tensor]:
            self.calls += 1
            return {"signal/frame": tf.constant([[self.calls, 20]], tf.int64)}

    monkeypatch.setattr("components.trainers.transform_graph.TransformGraph", FakeGraph)
    write_records(tmp_path, [f"{number:02d}.png" for number in range(21)])
    files = sorted(str(path) for path in (tmp_path / "Split-eval").iterdir())
    inputs = PaperInputs({}, tuple(files), "transform", str(saved_model / "Format-Serving"))
    signals = load_signals(inputs, "video")
    assert [signal.name for signal in signals] == [
        f"{number:02d}.png" for number in (0, 4, 8, 12, 16, 20)
    ]
    assert [signal.frame for signal in signals] == [1, 2, 3, 4, 5, 6]
    assert signals[0].target.shape == (HEIGHT, WIDTH, 1)
    assert np.allclose(signals[0].prediction - signals[0].target, 0.1, atol=1e-6)


def test_model_without_the_signature_is_named(tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path / "model"))
    write_records(tmp_path, ["a"])
    files = tuple(str(path) for path in (tmp_path / "Split-eval").iterdir())
    with pytest.raises(DataError, match="evaluate"):
        load_signals(PaperInputs({}, files, "", str(tmp_path / "model")), "image")


def test_split_without_records_is_named(tmp_path: Path, saved_model: Path) -> None:
    write_records(tmp_path, [])
    files = tuple(str(path) for path in (tmp_path / "Split-eval").iterdir())
    with pytest.raises(DataError, match="no record"):
        load_signals(PaperInputs({}, files, "", str(saved_model / "Format-Serving")), "image")
