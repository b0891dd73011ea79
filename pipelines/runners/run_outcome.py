"""What a run came to, as data: for the closing lines, for `--json`, and for tests."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.errors import PapergardenError
from components.evaluators.verdict import Verdict, read_verdict
from components.lineage.render import jsonable
from pipelines.runners.node_status import NodeStatus


@dataclass(frozen=True)
class NodeReport:
    """One node of a run.

    Attributes:
        state: `executed`, `cached`, `resolved`, `done` on a cluster, or how far it came.
        seconds: Its wall time.
        execution_id: Its execution in ML Metadata; None if it never started.
        artifacts: Output key -> ids and URIs.
        error: What made it fail.
    """

    state: str
    seconds: float
    execution_id: int | None
    artifacts: Mapping[str, list[dict[str, Any]]]
    error: str | None


@dataclass(frozen=True)
class RunOutcome:
    """What a run came to.

    Attributes:
        pipeline: The pipeline's name.
        run_id: The run in ML Metadata.
        preset: The preset it ran with.
        metadata_uri: The store that holds its lineage; None where the cluster alone knows it.
        nodes: Every node.
        seconds: Wall time: `total`, and `start` from process start to the first node.
        verdict: Blessed or not, with reasons and metrics; None if the run did not get so far.
        paths: `logs`, `config`, and as far as there is one `report`, `tensorboard`, `pushed_model`;
            of a run on Kubeflow its `page`.
        error: What ended the run early.
    """

    pipeline: str
    run_id: str
    preset: str
    metadata_uri: str | None
    nodes: Mapping[str, NodeReport]
    seconds: Mapping[str, float]
    verdict: Verdict | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    error: PapergardenError | None = None

    @property
    def from_cache(self) -> bool | None:
        """Whether every node was served from the cache; None where a cluster does not tell."""
        if any(node.state == "done" for node in self.nodes.values()):
            return None
        return all(node.state in ("cached", "resolved") for node in self.nodes.values())

    def to_json(self) -> str:
        """The whole outcome; numbers that JSON lacks (inf, nan) as strings."""
        values = {
            **dataclasses.asdict(dataclasses.replace(self, error=None)),
            "error": str(self.error) if self.error else None,
            "from_cache": self.from_cache,
        }
        return json.dumps(jsonable(values), indent=2, sort_keys=True)


def node_reports(nodes: Mapping[str, NodeStatus]) -> dict[str, NodeReport]:
    """The nodes' last states as data."""
    return {
        name: NodeReport(
            state=node.state,
            seconds=round(node.seconds, 2),
            execution_id=node.outcome.get("execution_id"),
            artifacts=node.outcome.get("outputs", {}),
            error=node.error or None,
        )
        for name, node in nodes.items()
    }


def find_verdict(nodes: Mapping[str, NodeReport]) -> Verdict | None:
    """The Evaluator's verdict, if it came to one."""
    outputs = nodes["Evaluator"].artifacts
    if not outputs:
        return None
    return read_verdict(outputs["evaluation"][0]["uri"], outputs["blessing"][0]["uri"])


def find_paths(nodes: Mapping[str, NodeReport], log_dir: Path) -> dict[str, str]:
    """Where a user finds what the run made."""
    paths = {"logs": str(log_dir), "config": str(log_dir / "config.json")}
    if report := nodes["Report"].artifacts.get("report"):
        paths["report"] = str(Path(report[0]["uri"]) / "report.html")
    if model_run := nodes["Trainer"].artifacts.get("model_run"):
        paths["tensorboard"] = str(model_run[0]["uri"])
    if pushed := nodes["Pusher"].artifacts.get("pushed_model"):
        destination = pushed[0].get("pushed_destination")
        if destination:
            paths["pushed_model"] = str(destination)
    return paths
