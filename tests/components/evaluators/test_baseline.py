import pytest

pytest.importorskip("tfx")

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata
from tfx.types import standard_artifacts

from components.errors import RunError
from components.evaluators.base_model import LatestBlessedOfProtocol
from components.evaluators.baseline import LatestBlessedBeforeCandidate


class Pipeline:
    """Models and verdicts of one pipeline, as the Trainer and the Evaluator leave them."""

    def __init__(self, store, root):
        self.store = store
        self.root = root
        self.trainer_type = store.put_execution_type(mlmd.ExecutionType(name="Trainer"))
        self.models = []
        self.blessings = []

    def trained(self, protocol=None):
        model = standard_artifacts.Model()
        directory = self.root / f"model_{len(self.models)}"
        (directory / "Format-Serving").mkdir(parents=True)
        (directory / "Format-Serving" / "saved_model.pb").write_bytes(b"graph")
        model.uri = str(directory)
        self._store_artifact(model)
        execution = mlmd.Execution(type_id=self.trainer_type)
        if protocol is not None:
            execution.custom_properties["evaluation_protocol"].string_value = protocol
        (execution_id,) = self.store.put_executions([execution])
        self.store.put_events(
            [mlmd.Event(artifact_id=model.id, execution_id=execution_id, type=mlmd.Event.OUTPUT)]
        )
        self.models.append(model)
        return model

    def judged(self, model, blessed):
        blessing = standard_artifacts.ModelBlessing()
        blessing.uri = str(self.root / f"blessing_{len(self.blessings)}")
        blessing.set_int_custom_property("current_model_id", model.id)
        blessing.set_int_custom_property("blessed", int(blessed))
        self._store_artifact(blessing)
        self.blessings.append(blessing)
        return blessing

    def blessed(self, **options):
        model = self.trained(**options)
        self.judged(model, True)
        return model

    def baseline_of(self, candidate):
        resolved = LatestBlessedBeforeCandidate().resolve_artifacts(
            self.store,
            {
                "model": list(self.models),
                "model_blessing": list(self.blessings),
                "candidate": [candidate] if candidate else [],
            },
        )
        assert resolved["candidate"] == ([candidate] if candidate else [])
        assert len(resolved["model"]) == len(resolved["model_blessing"]) <= 1
        for model, blessing in zip(resolved["model"], resolved["model_blessing"], strict=True):
            assert blessing.get_int_custom_property("current_model_id") == model.id
        return resolved["model"][0] if resolved["model"] else None

    def base_of(self, protocol):
        resolved = LatestBlessedOfProtocol(protocol, "train one").resolve_artifacts(
            self.store, {"model": list(self.models), "model_blessing": list(self.blessings)}
        )
        assert len(resolved["model"]) == len(resolved["model_blessing"]) <= 1
        return resolved["model"][0] if resolved["model"] else None

    def _store_artifact(self, artifact):
        type_id = self.store.put_artifact_type(artifact.artifact_type)
        artifact.type_id = type_id
        (artifact.id,) = self.store.put_artifacts([artifact.mlmd_artifact])


@pytest.fixture
def pipeline(tmp_path):
    config = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
    return Pipeline(MetadataStore(config), tmp_path)


def test_the_first_model_has_no_baseline(pipeline):
    assert pipeline.baseline_of(pipeline.trained()) is None


def test_the_latest_blessed_model_is_the_baseline(pipeline):
    pipeline.blessed()
    second = pipeline.blessed()
    refused = pipeline.trained()
    pipeline.judged(refused, False)
    pipeline.trained()
    assert pipeline.baseline_of(pipeline.trained()) is second


def test_a_rerun_that_finds_its_model_in_the_cache_finds_the_same_baseline(pipeline):
    first = pipeline.blessed()
    candidate = pipeline.trained()
    assert pipeline.baseline_of(candidate) is first
    pipeline.judged(candidate, True)
    assert pipeline.baseline_of(candidate) is first
    pipeline.blessed()
    assert pipeline.baseline_of(candidate) is first
    assert pipeline.baseline_of(first) is None


def test_the_latest_verdict_on_a_model_counts(pipeline):
    first = pipeline.blessed()
    second = pipeline.blessed()
    pipeline.judged(second, False)
    assert pipeline.baseline_of(pipeline.trained()) is first
    pipeline.judged(second, True)
    assert pipeline.baseline_of(pipeline.trained()) is second


def test_a_deleted_baseline_is_passed_over(pipeline, caplog):
    first, second = pipeline.blessed(), pipeline.blessed()
    (pipeline.root / "model_1" / "Format-Serving" / "saved_model.pb").unlink()
    assert pipeline.baseline_of(pipeline.trained()) is first
    assert f"model {second.id} is gone" in caplog.text
    (pipeline.root / "model_0").rename(pipeline.root / "moved")
    assert pipeline.baseline_of(pipeline.trained()) is None


def test_models_of_another_protocol_are_not_compared(pipeline):
    image = pipeline.blessed(protocol="siren/image")
    audio = pipeline.blessed(protocol="siren/audio")
    unnamed = pipeline.blessed()
    assert pipeline.baseline_of(pipeline.trained(protocol="siren/image")) is image
    assert pipeline.baseline_of(pipeline.trained(protocol="siren/audio")) is audio
    assert pipeline.baseline_of(pipeline.trained(protocol="siren/video")) is None
    assert pipeline.baseline_of(pipeline.trained()) is unnamed


def test_without_a_candidate_there_is_nothing(pipeline):
    pipeline.blessed()
    assert pipeline.baseline_of(None) is None


def test_training_goes_on_from_the_latest_blessed_model_of_the_stage_before(pipeline):
    pipeline.blessed(protocol="boxes")
    boxes = pipeline.blessed(protocol="boxes")
    pipeline.blessed(protocol="masks")
    pipeline.judged(pipeline.trained(protocol="boxes"), False)
    assert pipeline.base_of("boxes") is boxes


def test_no_model_is_looked_for_where_none_is_asked_for(pipeline):
    pipeline.blessed(protocol="")
    assert pipeline.base_of("") is None


def test_a_missing_stage_is_said_with_what_to_run(pipeline):
    pipeline.judged(pipeline.trained(protocol="boxes"), False)
    with pytest.raises(RunError, match="train one") as refused:
        pipeline.base_of("boxes")
    assert "none of 1 models" in str(refused.value)
