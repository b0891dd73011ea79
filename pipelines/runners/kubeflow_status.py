"""How far a run on Kubeflow is, from what its API tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from components.errors import PapergardenError, RunError
from components.evaluators.verdict import Verdict
from pipelines.runners.kubeflow_resources import VERDICT_TASK
from pipelines.runners.node_status import NodeStatus, State

SUCCEEDED, FAILED, CANCELING, CANCELED = "SUCCEEDED", "FAILED", "CANCELING", "CANCELED"
ENDED = frozenset({SUCCEEDED, FAILED, CANCELED, "SKIPPED"})
# Of a task; whatever else it may be, it has not begun.
STATES: Mapping[str, State] = {
    "RUNNING": "running",
    CANCELING: "running",
    SUCCEEDED: "done",
    FAILED: "failed",
    CANCELED: "canceled",
    "SKIPPED": "skipped",
}
# Each task has one that prepares its pod.
DRIVER = "-driver"
# Kubeflow's zero times are of the years 1 and 1970.
FIRST_YEAR = 2000


@dataclass(frozen=True)
class TaskGraph:
    """The tasks of a compiled pipeline.

    Attributes:
        pipeline: The registered pipeline.
        names: The name that Kubeflow gives a task -> its title.
        upstream: Title -> the titles that it waits for; every task stands behind those.
    """

    pipeline: str
    names: Mapping[str, str]
    upstream: Mapping[str, tuple[str, ...]]

    def new_nodes(self) -> dict[str, NodeStatus]:
        """Every task before the run, as the live table shows it."""
        return {
            title: NodeStatus(title, upstream, Path()) for title, upstream in self.upstream.items()
        }


def read_task_graph(pipeline: Mapping[str, Any]) -> TaskGraph:
    """The tasks of a compiled pipeline.

    Args:
        pipeline: The pipeline's specification, alone or beside that of its platform.

    Raises:
        RunError: If Papergarden did not compile it.
    """
    specification = pipeline.get("pipeline_spec", pipeline)
    tasks: Mapping[str, Any] = specification.get("root", {}).get("dag", {}).get("tasks", {})
    name = specification.get("pipelineInfo", {}).get("name", "")
    names = {key: task.get("taskInfo", {}).get("name", key) for key, task in tasks.items()}
    if VERDICT_TASK not in names.values():
        raise RunError(
            "the run is none of Papergarden's",
            found=f"pipeline {name or 'without a name'}, tasks {', '.join(names.values())}",
            expected=f"a pipeline with a task {VERDICT_TASK}, as `papergarden compile` writes",
        )
    waits = {
        names[key]: tuple(sorted(names[other] for other in task.get("dependentTasks", ())))
        for key, task in tasks.items()
    }
    return TaskGraph(name.replace("-", "_"), names, _in_order(waits))


def update_nodes(nodes: Mapping[str, NodeStatus], graph: TaskGraph, run: Any) -> None:
    """Brings the nodes to where the run is.

    Args:
        nodes: From `TaskGraph.new_nodes`; changed.
        graph: The run's tasks.
        run: Upstream's `V2beta1Run`.
    """
    # Of several tries of a task the last one counts.
    details = {one.display_name: one for one in sorted(_details(run), key=_start)}
    for name, title in graph.names.items():
        node = nodes[title]
        detail = details.get(name) or details.get(title)
        if detail is not None:
            node.state = STATES.get(detail.state, "waiting")
            _update_times(node, detail)
        driver = details.get(name + DRIVER)
        if node.state == "waiting" and driver is not None and driver.state == FAILED:
            node.state = "failed"
            node.error = "Kubeflow could not make its pod; the log of its driver tells why"
        elif node.state == "failed":
            node.error = "its log tells why"
    if run.state in ENDED:
        _close(nodes.values(), run)


def is_canceled(run: Any) -> bool:
    """Whether somebody stopped the run; some versions of Kubeflow call it failed in the end."""
    history = [one.state for one in run.state_history or ()]
    return run.state == CANCELED or (run.state == FAILED and CANCELING in history)


def judge(nodes: Mapping[str, NodeStatus], run: Any) -> Verdict | None:
    """The verdict of a run that has ended; None if it did not get so far.

    Kubeflow tells no task's exit code: a run whose last task alone failed is one whose model was
    refused.
    """
    last = nodes[VERDICT_TASK]
    others_done = all(node.state == "done" for node in nodes.values() if node is not last)
    # One without a beginning had no pod and could tell nothing.
    told = last.state == "failed" and last.started is not None
    refused = others_done and told and not is_canceled(run)
    if run.state != SUCCEEDED and not refused:
        return None
    reason = f"the task {VERDICT_TASK} {'failed' if refused else 'succeeded'}; its log has the "
    return Verdict(
        blessed=not refused,
        reasons=[reason + "reasons and the metrics"],
        metrics={},
        baseline_metrics=None,
    )


def end_error(nodes: Mapping[str, NodeStatus], run: Any, page: str) -> PapergardenError | None:
    """What a user is told of a run that ended without a verdict.

    Args:
        nodes: Its tasks.
        run: Upstream's `V2beta1Run`.
        page: Where Kubeflow shows it.
    """
    again = "a run with the same parameters reuses the finished nodes, and training resumes"
    if is_canceled(run):
        return RunError(f"the run {run.run_id} was canceled", found=run.state, fix=again)
    if judge(nodes, run) is not None:
        return None
    failed = [f"{title}: {node.error}" for title, node in nodes.items() if node.state == "failed"]
    message = run.error.message if run.error else None
    return RunError(
        f"the run {run.run_id} failed",
        found="; ".join(failed) or message or f"{run.state}, and no task that failed",
        fix=f"{page} shows the log of each task; {again}",
    )


def seconds_of(nodes: Iterable[NodeStatus], run: Any) -> dict[str, float]:
    """The run's wall time on the cluster: `total`, and `start` until its first task began."""
    created, finished = _time(run.created_at), _time(run.finished_at)
    if created is None:
        return {"start": 0.0, "total": 0.0}
    begun = [node.started for node in nodes if node.started is not None]
    end = finished or datetime.now(timezone.utc)
    return {
        "start": round(max(0.0, min(begun, default=end.timestamp()) - created.timestamp()), 2),
        "total": round(max(0.0, (end - created).total_seconds()), 2),
    }


def _details(run: Any) -> list[Any]:
    return list(run.run_details.task_details or ()) if run.run_details else []


def _start(detail: Any) -> float:
    started = _time(detail.start_time)
    return started.timestamp() if started is not None else 0.0


def _update_times(node: NodeStatus, detail: Any) -> None:
    started, ended = _time(detail.start_time), _time(detail.end_time)
    if started is None or node.state == "waiting":
        return
    node.started = started.timestamp()
    # This machine's clock may be behind the cluster's.
    node.seconds = max(0.0, ((ended or datetime.now(timezone.utc)) - started).total_seconds())


def _close(nodes: Iterable[NodeStatus], run: Any) -> None:
    """What becomes of tasks that had not ended when the run did."""
    for node in nodes:
        if run.state == SUCCEEDED:
            # Kubeflow forgets the details of old runs.
            node.state = "done"
        elif node.state == "running":
            node.state = "canceled"
        elif node.state == "waiting":
            node.state = "skipped"


def _time(value: datetime | None) -> datetime | None:
    return value if value is not None and value.year >= FIRST_YEAR else None


def _in_order(waits: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The tasks, each behind those that it waits for."""
    ordered: dict[str, tuple[str, ...]] = {}
    while len(ordered) < len(waits):
        ready = [
            title
            for title in sorted(waits)
            if title not in ordered and all(other in ordered for other in waits[title])
        ]
        ordered.update((title, waits[title]) for title in ready)
        if not ready:
            raise RunError("the tasks of the run wait for each other")
    return ordered
