"""Runs and models, asked of a store that looks as TFX leaves it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from components.evaluators.verdict import Verdict
from components.lineage.query import LineageError, list_runs, model_lineage, run_lineage

FIRST, SECOND, THIRD = "20260101-1015-aa11", "20260102-1015-bb22", "20260103-1015-cc33"


def test_run_tells_everything_that_made_its_model(recorder: Any, record_run: Any) -> None:
    record_run(recorder, FIRST, number=1)
    lineage = run_lineage(recorder.store, FIRST)
    assert lineage.pipeline == "siren_pipeline"
    assert lineage.state == "COMPLETE"
    assert lineage.data.fingerprint == "sha256:cafe"
    assert lineage.data.counts == {"train": 1, "eval": 1}
    assert lineage.data.rejected == {"truncated": 2}
    assert lineage.config == {"training": {"steps": 300}, "task": "image"}
    assert lineage.preset == "sample"
    assert lineage.paper == "siren"
    assert lineage.git_commit == f"{1:040x}"
    assert lineage.code_digests["Trainer"] == "trainer-1"
    assert lineage.verdict.blessed is True
    assert lineage.verdict.reasons == ("psnr 31.4 dB >= 30 required",)
    assert lineage.verdict.metrics["psnr"] == 31.4
    assert math.isinf(lineage.verdict.metrics["snr"])
    assert lineage.model is not None
    assert lineage.model.pushed_to == "/serving/siren/1"
    assert lineage.baseline is None
    assert lineage.parents == ()


def test_configuration_of_the_run_goes_before_that_of_a_node(
    recorder: Any, record_run: Any
) -> None:
    recorder.context("pipeline_run", FIRST, {"config": {"evaluation": {"gates": {}}}})
    record_run(recorder, FIRST, number=1)
    assert run_lineage(recorder.store, FIRST).config == {"evaluation": {"gates": {}}}


def test_baseline_is_named_with_the_run_that_trained_it(recorder: Any, record_run: Any) -> None:
    first = record_run(recorder, FIRST, number=1)
    record_run(recorder, SECOND, number=2, baseline=first["model"])
    lineage = run_lineage(recorder.store, SECOND)
    assert lineage.baseline is not None
    assert (lineage.baseline.artifact_id, lineage.baseline.run_id) == (first["model"], FIRST)
    assert lineage.verdict.baseline_metrics == {"psnr": 30.2}
    assert lineage.model is not None
    assert lineage.model.run_id == SECOND


def test_cached_nodes_name_the_run_that_did_the_work(recorder: Any, record_run: Any) -> None:
    first = record_run(recorder, FIRST, number=1)
    some = {key: first[key] for key in ("examples", "transform_graph", "model", "model_run")}
    second = record_run(recorder, SECOND, number=2, reuse=some)
    record_run(recorder, THIRD, number=3, reuse=second)
    lineage = run_lineage(recorder.store, SECOND)
    [parent] = lineage.parents
    assert (parent.run_id, parent.nodes) == (FIRST, ("ExampleGen", "Transform", "Trainer"))
    assert parent.git_commit == f"{1:040x}"
    assert lineage.model is not None
    assert lineage.model.run_id == FIRST
    lineage = run_lineage(recorder.store, THIRD)
    assert lineage.state == "CACHED"
    assert [one.run_id for one in lineage.parents] == [FIRST, SECOND]
    assert lineage.data.artifact_id == first["examples"]


@pytest.mark.parametrize(
    "place",
    [
        "/serving/siren/1",
        "/serving/siren/1/",
        "/serving/other/../siren/1",
        "file:///serving/siren/1",
        "/serving/siren/1/variables",
        "/runs/Pusher/pushed_model/1",
        "/runs/Trainer/model/1",
        "/runs/Trainer/model/1/Format-Serving",
    ],
)
def test_model_directory_leads_to_its_run(recorder: Any, record_run: Any, place: str) -> None:
    record_run(recorder, FIRST, number=1)
    record_run(recorder, SECOND, number=2)
    assert model_lineage(recorder.store, place).run_id == FIRST


def test_folder_of_versions_leads_to_the_newest(recorder: Any, record_run: Any) -> None:
    record_run(recorder, FIRST, number=1)
    record_run(recorder, SECOND, number=2)
    lineage = model_lineage(recorder.store, "/serving/siren")
    assert (lineage.run_id, lineage.subject) == (SECOND, "/serving/siren")


def test_pushed_model_leads_to_the_run_that_pushed_it_not_to_cached_reuse(
    recorder: Any, record_run: Any
) -> None:
    first = record_run(recorder, FIRST, number=1)
    record_run(recorder, SECOND, number=2, reuse=first)
    assert model_lineage(recorder.store, "/serving/siren/1").run_id == FIRST


def test_relative_directory_is_found(
    recorder: Any, record_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_run(recorder, FIRST, number=1)
    monkeypatch.chdir("/")
    assert model_lineage(recorder.store, "serving/siren/1").run_id == FIRST


def test_unknown_directory_lists_the_known_models(recorder: Any, record_run: Any) -> None:
    record_run(recorder, FIRST, number=1)
    with pytest.raises(LineageError, match="/serving/siren/1") as caught:
        model_lineage(recorder.store, "/serving/siren/12")
    assert "/serving/siren/12" in str(caught.value)


def test_unknown_run_lists_the_newest_runs(recorder: Any, record_run: Any) -> None:
    for number in range(12):
        record_run(recorder, f"run-{number:02d}", number=number)
    with pytest.raises(LineageError, match=r"run-11, run-10.*and 2 more"):
        run_lineage(recorder.store, "run-99")


def test_empty_store_says_so(recorder: Any) -> None:
    assert list_runs(recorder.store) == []
    with pytest.raises(LineageError, match="no finished model or run yet"):
        run_lineage(recorder.store, "latest")
    with pytest.raises(LineageError, match="no finished model or run yet"):
        model_lineage(recorder.store, "/serving")


def test_latest_is_the_newest(recorder: Any, record_run: Any) -> None:
    record_run(recorder, SECOND, number=1)
    record_run(recorder, FIRST, number=2)
    assert run_lineage(recorder.store, "latest").run_id == FIRST


def test_runs_are_listed_with_their_states(recorder: Any, record_run: Any) -> None:
    first = record_run(recorder, FIRST, number=1)
    record_run(recorder, SECOND, number=2, reuse=first)
    recorder.run(THIRD)
    recorder.execution(THIRD, "ExampleGen", state="FAILED")
    runs = list_runs(recorder.store)
    assert [run.run_id for run in runs] == [THIRD, SECOND, FIRST]
    assert [run.state for run in runs] == ["FAILED", "CACHED", "COMPLETE"]
    assert runs[1].states == {"CACHED": 6, "COMPLETE": 1}


def test_failed_run_has_a_lineage_too(recorder: Any) -> None:
    recorder.run(FIRST)
    examples = recorder.artifact("Examples", "/e/1", {"input_fingerprint": "f"})
    recorder.execution(FIRST, "ExampleGen", outputs=[("examples", examples)])
    recorder.execution(FIRST, "Trainer", inputs=[("examples", examples)], state="FAILED")
    lineage = run_lineage(recorder.store, FIRST)
    assert lineage.state == "FAILED"
    assert lineage.model is None
    assert lineage.verdict.blessed is None
    assert lineage.data.fingerprint == "f"


def test_numbers_come_from_the_evaluation_where_no_report_tells_them(recorder: Any) -> None:
    recorder.run(FIRST)
    evaluation = recorder.artifact("ModelEvaluation", "/evaluation/4")
    blessing = recorder.artifact("ModelBlessing", "/blessing/4", {"blessed": 0})
    outputs = [("evaluation", evaluation), ("blessing", blessing)]
    recorder.execution(FIRST, "Evaluator", outputs=outputs)
    assert run_lineage(recorder.store, FIRST).verdict.metrics == {}
    seen = []

    def read(evaluation_dir: str, blessing_dir: str) -> Verdict:
        seen.append((evaluation_dir, blessing_dir))
        return Verdict(False, ["psnr 20 dB < 30 required"], {"psnr": 20.0}, None)

    verdict = run_lineage(recorder.store, FIRST, read_verdict=read).verdict
    assert seen == [("/evaluation/4", "/blessing/4")]
    assert (verdict.blessed, verdict.metrics) == (False, {"psnr": 20.0})


def test_running_node_has_no_end(recorder: Any) -> None:
    recorder.run(FIRST)
    recorder.execution(FIRST, "Trainer", state="RUNNING")
    lineage = run_lineage(recorder.store, FIRST)
    [execution] = lineage.graph.executions
    assert (lineage.state, lineage.ended_ms) == ("RUNNING", None)
    assert execution.started_ms is not None
    assert execution.seconds is None


def test_candidate_that_a_resolver_passes_on_is_its_input(recorder: Any) -> None:
    recorder.run(FIRST)
    model = recorder.artifact("Model", "/model/1")
    older = recorder.artifact("Model", "/model/0")
    recorder.execution(FIRST, "Trainer", outputs=[("model", model)])
    found = [("model", older), ("candidate", model)]
    recorder.execution(FIRST, "Baseline", outputs=found, resolver=True)
    graph = run_lineage(recorder.store, FIRST).graph
    baseline = graph.execution("Baseline")
    assert baseline is not None
    assert [one.artifact_id for one in graph.inputs(baseline)] == [model]
    assert [one.artifact_id for one in graph.outputs(baseline)] == [older]


def test_artifact_under_two_keys_gives_two_edges(recorder: Any) -> None:
    recorder.run(FIRST)
    model = recorder.artifact("Model", "/model/1")
    execution = recorder.execution(FIRST, "Evaluator")
    event = pb.Event(execution_id=execution, artifact_id=model, type=pb.Event.INPUT)
    for key in ("model", "baseline_model"):
        event.path.steps.add().key = key
        event.path.steps.add().index = 0
    recorder.store.put_events([event])
    lineage = run_lineage(recorder.store, FIRST)
    assert [edge.key for edge in lineage.graph.edges] == ["model", "baseline_model"]
    assert lineage.baseline is not None
