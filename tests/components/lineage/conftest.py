"""Writes runs into an in-memory store the way TFX's launcher does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

PIPELINE = "siren_pipeline"
RESOLVER = "tfx.dsl.components.common.resolver.Resolver"


class RunRecorder:
    """One store, and the calls a launcher makes on it."""

    def __init__(self) -> None:
        config = pb.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = MetadataStore(config)

    def context(self, kind: str, name: str, values: Mapping[str, Any] | None = None) -> int:
        """Returns the context's id, new or not."""
        found = self.store.get_context_by_type_and_name(kind, name)
        if found is not None:
            return found.id
        type_id = self.store.put_context_type(pb.ContextType(name=kind))
        context = pb.Context(type_id=type_id, name=name)
        _fill(context.custom_properties, values or {})
        return self.store.put_contexts([context])[0]

    def run(self, run_id: str, values: Mapping[str, Any] | None = None) -> int:
        """Registers a run below the pipeline."""
        pipeline = self.context("pipeline", PIPELINE)
        run = self.context("pipeline_run", run_id, values)
        self.store.put_parent_contexts([pb.ParentContext(parent_id=pipeline, child_id=run)])
        return run

    def artifact(self, type_name: str, uri: str, values: Mapping[str, Any] | None = None) -> int:
        """Registers an artifact."""
        type_id = self.store.put_artifact_type(pb.ArtifactType(name=type_name))
        artifact = pb.Artifact(type_id=type_id, uri=uri, state=pb.Artifact.LIVE)
        _fill(artifact.custom_properties, values or {})
        return self.store.put_artifacts([artifact])[0]

    def execution(
        self,
        run_id: str,
        node_id: str,
        *,
        inputs: Sequence[tuple[str, int]] = (),
        outputs: Sequence[tuple[str, int]] = (),
        state: str = "COMPLETE",
        values: Mapping[str, Any] | None = None,
        resolver: bool = False,
    ) -> int:
        """Registers an execution with its contexts and events."""
        type_name = RESOLVER if resolver else f"some.package.{node_id}"
        type_id = self.store.put_execution_type(pb.ExecutionType(name=type_name))
        execution = pb.Execution(type_id=type_id, last_known_state=pb.Execution.State.Value(state))
        _fill(execution.custom_properties, values or {})
        execution_id = self.store.put_executions([execution])[0]
        contexts = [
            self.context("pipeline", PIPELINE),
            self.context("pipeline_run", run_id),
            self.context("node", f"{PIPELINE}.{node_id}"),
        ]
        self.store.put_attributions_and_associations(
            [], [pb.Association(execution_id=execution_id, context_id=one) for one in contexts]
        )
        written = pb.Event.INTERNAL_OUTPUT if resolver else pb.Event.OUTPUT
        events = [_event(execution_id, pb.Event.INPUT, *one) for one in inputs]
        events += [_event(execution_id, written, *one) for one in outputs]
        if events:
            self.store.put_events(events)
        return execution_id


def _event(execution_id: int, kind: int, key: str, artifact_id: int) -> pb.Event:
    event = pb.Event(execution_id=execution_id, artifact_id=artifact_id, type=kind)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event


def _fill(properties: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, int):
            properties[name].int_value = value
        elif isinstance(value, float):
            properties[name].double_value = value
        else:
            properties[name].string_value = value if isinstance(value, str) else json.dumps(value)


@pytest.fixture
def recorder() -> RunRecorder:
    """An empty store."""
    return RunRecorder()


def record_siren_run(
    recorder: RunRecorder,
    run_id: str,
    *,
    number: int,
    baseline: int | None = None,
    reuse: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Records a whole run of the skeleton.

    Args:
        recorder: Where to.
        run_id: The run.
        number: Ends every URI.
        baseline: The model that the resolver finds.
        reuse: Artifacts of an earlier run; the nodes that put them out become cached.

    Returns:
        Output key -> artifact id.
    """
    reuse = reuse or {}
    made = dict(reuse)
    recorder.run(run_id, {"git_commit": f"{number:040x}", "preset": "sample"})

    def node(
        node_id: str, inputs: Sequence[str], outputs: Mapping[str, tuple[str, dict[str, Any]]]
    ):
        cached = bool(outputs) and set(outputs) <= set(reuse)
        for key, (type_name, values) in outputs.items():
            if not cached:
                uri = f"/runs/{node_id}/{key}/{number}"
                made[key] = recorder.artifact(type_name, uri, values)
        config = {"paper": "siren", "config": {"training": {"steps": 300}, "task": "image"}}
        recorder.execution(
            run_id,
            node_id,
            inputs=[(key, made[key]) for key in inputs],
            outputs=[(key, made[key]) for key in outputs],
            state="CACHED" if cached else "COMPLETE",
            values={
                "code_digest": f"{node_id.lower()}-{number}",
                **({"custom_config": config} if node_id == "Trainer" else {}),
            },
        )

    counts = {"train": 1, "eval": 1}
    data = {
        "input_fingerprint": "sha256:cafe",
        "record_counts": counts,
        "rejected": {"truncated": 2},
    }
    node("ExampleGen", [], {"examples": ("Examples", data)})
    node("Transform", ["examples"], {"transform_graph": ("TransformGraph", {})})
    node(
        "Trainer",
        ["examples", "transform_graph"],
        {"model": ("Model", {}), "model_run": ("ModelRun", {})},
    )
    recorder.execution(
        run_id,
        "Baseline",
        outputs=[("model", baseline)] if baseline else [],
        resolver=True,
    )
    verdict = {
        "blessed": True,
        "reasons": ["psnr 31.4 dB >= 30 required"],
        "metrics": {"psnr": 31.4, "snr": "inf"},
        "baseline_metrics": {"psnr": 30.2} if baseline else None,
    }
    if baseline:
        made["baseline_model"] = baseline
    node(
        "Evaluator",
        ["examples", "model", *(["baseline_model"] if baseline else [])],
        {"evaluation": ("ModelEvaluation", {}), "blessing": ("ModelBlessing", {"blessed": 1})},
    )
    node(
        "Report",
        ["model", "model_run", "evaluation", "blessing"],
        {"report": ("PapergardenReportV1", {"verdict": verdict})},
    )
    pushed = {"pushed_destination": f"/serving/siren/{number}", "pushed_version": str(number)}
    node("Pusher", ["model", "blessing"], {"pushed_model": ("PushedModel", pushed)})
    return made


@pytest.fixture
def record_run() -> Any:
    """The function that records a whole run."""
    return record_siren_run
