"""What a run's answer means: states, times, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from components.errors import RunError
from pipelines.runners.kubeflow_status import (
    end_error,
    is_canceled,
    judge,
    read_task_graph,
    seconds_of,
    update_nodes,
)
from pipelines.runners.node_status import NodeStatus

ZERO = datetime(1, 1, 1, tzinfo=timezone.utc)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
BEGIN = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
END = BEGIN + timedelta(seconds=90)


def pipeline(waits: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    tasks = {
        title.lower(): {
            "taskInfo": {"name": title},
            "dependentTasks": [one.lower() for one in before],
        }
        for title, before in waits.items()
    }
    return {"pipelineInfo": {"name": "some-pipeline"}, "root": {"dag": {"tasks": tasks}}}


GRAPH = read_task_graph(pipeline({"verdict": ("Trainer",), "Trainer": ("prepare",), "prepare": ()}))


def detail(name: str, state: str, begin: datetime = BEGIN, end: datetime = END) -> Any:
    return SimpleNamespace(display_name=name, state=state, start_time=begin, end_time=end)


def run(state: str, *details: Any, history: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(
        run_id="r",
        state=state,
        run_details=SimpleNamespace(task_details=list(details)) if details else None,
        state_history=[SimpleNamespace(state=one) for one in history],
        created_at=BEGIN - timedelta(seconds=5),
        finished_at=END + timedelta(seconds=5),
        error=None,
    )


def nodes_of(seen: Any) -> dict[str, NodeStatus]:
    nodes = GRAPH.new_nodes()
    update_nodes(nodes, GRAPH, seen)
    return nodes


def states_of(seen: Any) -> list[str]:
    return [node.state for node in nodes_of(seen).values()]


def test_tasks_stand_behind_what_they_wait_for_whatever_their_names() -> None:
    assert list(GRAPH.upstream) == ["prepare", "Trainer", "verdict"]
    assert GRAPH.pipeline == "some_pipeline"
    both = {"pipeline_spec": pipeline({"verdict": ()}), "platform_spec": {"platforms": {}}}
    assert list(read_task_graph(both).upstream) == ["verdict"]


@pytest.mark.parametrize("other", [{}, pipeline({"hello": ()})])
def test_a_pipeline_without_a_verdict_is_not_ours(other: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="none of Papergarden's"):
        read_task_graph(other)


def test_tasks_are_known_by_kubeflows_name_or_by_their_title() -> None:
    by_name = run("RUNNING", detail("prepare", "SUCCEEDED"), detail("trainer", "RUNNING"))
    by_title = run("RUNNING", detail("prepare", "SUCCEEDED"), detail("Trainer", "RUNNING"))
    assert states_of(by_name) == states_of(by_title) == ["done", "running", "waiting"]


@pytest.mark.parametrize("state", ["PENDING", "PAUSED", "RUNTIME_STATE_UNSPECIFIED", "NEW", None])
def test_a_task_that_has_not_begun_waits(state: str | None) -> None:
    assert states_of(run("RUNNING", detail("prepare", state)))[0] == "waiting"  # type: ignore[arg-type]


def test_of_several_tries_the_last_counts() -> None:
    late = detail("prepare", "RUNNING", BEGIN + timedelta(seconds=30), ZERO)
    assert states_of(run("RUNNING", late, detail("prepare", "FAILED")))[0] == "running"


def test_a_pod_that_cannot_be_made_is_its_tasks_failure() -> None:
    seen = run("FAILED", detail("prepare", "SUCCEEDED"), detail("trainer-driver", "FAILED"))
    nodes = nodes_of(seen)
    assert nodes["Trainer"].state == "failed"
    error = end_error(nodes, seen, "the page")
    assert error is not None
    assert "Trainer: Kubeflow could not make its pod" in str(error)


@pytest.mark.parametrize("no_time", [ZERO, EPOCH, None])
def test_a_time_that_is_not_known_is_none(no_time: datetime | None) -> None:
    begin = datetime.now(timezone.utc) - timedelta(seconds=100)
    seen = run("RUNNING", detail("prepare", "RUNNING", begin, no_time))  # type: ignore[arg-type]
    assert 100 <= nodes_of(seen)["prepare"].seconds < 1000
    seen = run("RUNNING", detail("prepare", "RUNNING", no_time, no_time))  # type: ignore[arg-type]
    assert nodes_of(seen)["prepare"].started is None


def test_a_clock_that_is_behind_gives_no_negative_times() -> None:
    future = datetime.now(timezone.utc) + timedelta(hours=1)
    seen = run("RUNNING", detail("prepare", "RUNNING", future, ZERO))
    assert nodes_of(seen)["prepare"].seconds == 0.0


def test_a_run_that_succeeded_is_blessed_though_its_details_are_forgotten() -> None:
    seen = run("SUCCEEDED")
    nodes = nodes_of(seen)
    assert {node.state for node in nodes.values()} == {"done"}
    verdict = judge(nodes, seen)
    assert verdict is not None
    assert verdict.blessed
    assert end_error(nodes, seen, "") is None


def test_a_refusal_is_the_last_tasks_failure_alone() -> None:
    done = [detail("prepare", "SUCCEEDED"), detail("trainer", "SUCCEEDED")]
    refused = run("FAILED", *done, detail("verdict", "FAILED"))
    verdict = judge(nodes_of(refused), refused)
    assert verdict is not None
    assert not verdict.blessed
    no_pod = run("FAILED", *done, detail("verdict-driver", "FAILED"))
    for other in (
        run("FAILED", *done),
        run("FAILED", done[0], detail("trainer", "FAILED"), detail("verdict", "FAILED")),
        run("FAILED", *done, detail("verdict", "FAILED"), history=("RUNNING", "CANCELING")),
        run("CANCELED", *done, detail("verdict", "FAILED")),
        run("SKIPPED", *done),
        no_pod,
    ):
        assert judge(nodes_of(other), other) is None
        assert end_error(nodes_of(other), other, "") is not None


def test_what_had_not_ended_when_the_run_did_is_canceled_or_skipped() -> None:
    seen = run("CANCELED", detail("prepare", "SUCCEEDED"), detail("trainer", "RUNNING"))
    assert states_of(seen) == ["done", "canceled", "skipped"]
    assert is_canceled(seen)


def test_a_run_has_its_own_times() -> None:
    seen = run("SUCCEEDED", detail("prepare", "SUCCEEDED"))
    assert seconds_of(nodes_of(seen).values(), seen) == {"start": 5.0, "total": 100.0}
    seen.created_at = None
    assert seconds_of(nodes_of(seen).values(), seen) == {"start": 0.0, "total": 0.0}
