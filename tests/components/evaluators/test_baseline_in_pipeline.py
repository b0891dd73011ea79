"""The resolver inside a pipeline that TFX runs."""

import os

import pytest

pytest.importorskip("tfx")

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.component.experimental.annotations import (
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel
from tfx.types.standard_artifacts import Model, ModelBlessing

from components.evaluators.baseline import LatestBlessedBeforeCandidate


@component
def Train(model: OutputArtifact[Model], setting: Parameter[int]) -> None:
    directory = os.path.join(model.uri, "Format-Serving")
    os.makedirs(directory)
    with open(os.path.join(directory, "saved_model.pb"), "w") as file:
        file.write(str(setting))


@component
def Judge(
    model: InputArtifact[Model],
    blessing: OutputArtifact[ModelBlessing],
    baseline_model: InputArtifact[Model] = None,
) -> None:
    blessing.set_int_custom_property("blessed", 1)
    blessing.set_int_custom_property("current_model_id", model.id)
    blessing.set_int_custom_property("baseline", baseline_model.id if baseline_model else 0)


def run(root, setting):
    connection = metadata.sqlite_metadata_connection_config(str(root / "metadata.sqlite"))
    train = Train(setting=setting)
    baseline = Resolver(
        strategy_class=LatestBlessedBeforeCandidate,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
        candidate=train.outputs["model"],
    ).with_id("Baseline")
    judge = Judge(model=train.outputs["model"], baseline_model=baseline.outputs["model"])
    LocalDagRunner().run(
        Pipeline(
            pipeline_name="compared",
            pipeline_root=str(root / "artifacts"),
            components=[train, baseline, judge],
            enable_cache=True,
            metadata_connection_config=connection,
        )
    )
    with metadata.Metadata(connection) as handle:
        states = [
            execution.last_known_state
            for execution in handle.store.get_executions_by_type(judge.type)
        ]
        baselines = [
            blessing.custom_properties["baseline"].int_value
            for blessing in handle.store.get_artifacts_by_type("ModelBlessing")
        ]
        models = [model.id for model in handle.store.get_artifacts_by_type("Model")]
    return states, baselines, models


@pytest.mark.e2e
def test_an_unchanged_rerun_is_not_judged_again(tmp_path):
    complete = metadata_store_pb2.Execution.COMPLETE
    cached = metadata_store_pb2.Execution.CACHED
    assert run(tmp_path, 1)[:2] == ([complete], [0])
    states, baselines, models = run(tmp_path, 2)
    assert states == [complete, complete]
    assert baselines == [0, models[0]]
    assert run(tmp_path, 2) == ([complete, complete, cached], baselines, models)
    assert run(tmp_path, 1) == ([complete, complete, cached, cached], baselines, models)
