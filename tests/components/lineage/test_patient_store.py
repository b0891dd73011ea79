"""A metadata store that goes away and comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_metadata
import pytest
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.errors import RunError
from components.lineage import patient_store
from components.lineage.metadata_uri import connection_config, sqlite_uri
from components.lineage.patient_store import LostAnswerError, PatientStore

RUNNING = metadata_store_pb2.Execution.RUNNING
COMPLETE = metadata_store_pb2.Execution.COMPLETE

Failures = dict[str, list[Exception]]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_store.time, "sleep", lambda seconds: None)


@pytest.fixture
def open_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[PatientStore, list[str]]]:
    """Opens a SQLite store whose calls fail as told, before or after they did their work."""

    def open_it(before: Failures | None = None, after: Failures | None = None) -> Any:
        calls: list[str] = []

        class Unreliable(ml_metadata.MetadataStore):
            def __init__(self, config: Any) -> None:
                calls.append("connect")
                super().__init__(config)

            def __getattribute__(self, name: str) -> Any:
                found = super().__getattribute__(name)
                if not name.startswith(("get_", "put_")):
                    return found

                def call(*arguments: Any, **named: Any) -> Any:
                    calls.append(name)
                    for failures, work in ((before or {}, False), (after or {}, True)):
                        if failures.get(name):
                            if work:
                                found(*arguments, **named)
                            raise failures[name].pop(0)
                    return found(*arguments, **named)

                return call

        monkeypatch.setattr(ml_metadata, "MetadataStore", Unreliable)
        return PatientStore(connection_config(sqlite_uri(tmp_path / "m.sqlite"))), calls

    return open_it


def new_execution(store: Any, state: int = RUNNING) -> metadata_store_pb2.Execution:
    type_id = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Trainer"))
    return metadata_store_pb2.Execution(type_id=type_id, last_known_state=state)


def new_model(store: Any) -> tuple[metadata_store_pb2.Artifact, metadata_store_pb2.Event]:
    type_id = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Model"))
    event = metadata_store_pb2.Event(type=metadata_store_pb2.Event.OUTPUT)
    return metadata_store_pb2.Artifact(type_id=type_id, uri="/model"), event


@pytest.mark.parametrize(
    "failure",
    [
        errors.UnavailableError("connection refused"),
        errors.InternalError("mysql_query failed: server has gone away"),
        RuntimeError("mysql_real_connect failed"),
        errors.FailedPreconditionError("Transaction already open."),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_question_is_asked_again_over_a_new_connection(
    open_store: Callable[..., Any], failure: Exception
) -> None:
    store, calls = open_store(before={"get_contexts": [failure, failure]})
    assert list(store.get_contexts()) == []
    assert calls == ["connect", "get_contexts"] * 3


def test_a_store_that_stays_away_is_named(open_store: Callable[..., Any]) -> None:
    away = [errors.UnavailableError("connection refused") for _ in range(100)]
    store, _ = open_store(before={"get_contexts": away})
    store._patience_seconds = 0.0
    with pytest.raises(RunError, match="connection refused"):
        store.get_contexts()


def test_what_no_patience_mends_is_told_at_once(open_store: Callable[..., Any]) -> None:
    store, calls = open_store(before={"get_contexts": [RuntimeError("Access denied for user")]})
    with pytest.raises(RunError, match="Access denied"):
        store.get_contexts()
    assert calls.count("get_contexts") == 1


@pytest.mark.parametrize(
    "answer",
    [
        errors.InvalidArgumentError("no"),
        errors.FailedPreconditionError("no"),
        errors.InternalError("ZetaSQL dependency removed."),
    ],
    ids=str,
)
def test_an_answer_that_is_an_error_is_not_asked_for_again(
    open_store: Callable[..., Any], answer: errors.StatusError
) -> None:
    store, calls = open_store(before={"get_contexts": [answer]})
    with pytest.raises(type(answer)):
        store.get_contexts()
    assert calls.count("get_contexts") == 1


def test_a_new_execution_is_not_written_twice(open_store: Callable[..., Any]) -> None:
    store, _ = open_store(after={"put_execution": [errors.InternalError("lost connection")]})
    with pytest.raises(LostAnswerError):
        store.put_execution(execution=new_execution(store), artifact_and_events=[], contexts=[])
    assert len(store.get_executions()) == 1


def test_a_write_that_is_repeated_may_be_lost_as_well(open_store: Callable[..., Any]) -> None:
    store, _ = open_store(
        before={"put_execution": [errors.AbortedError("deadlock")]},
        after={"put_execution": [errors.InternalError("lost connection")]},
    )
    with pytest.raises(LostAnswerError):
        store.put_execution(execution=new_execution(store), artifact_and_events=[], contexts=[])
    assert len(store.get_executions()) == 1


@pytest.mark.parametrize(
    "failure",
    [
        errors.AbortedError("lost a race"),
        errors.InternalError("ERROR: could not serialize access due to concurrent update"),
        errors.FailedPreconditionError("Transaction already open."),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_write_that_did_not_happen_is_repeated(
    open_store: Callable[..., Any], failure: errors.StatusError
) -> None:
    store, _ = open_store(before={"put_execution": [failure] * 3})
    store.put_execution(execution=new_execution(store), artifact_and_events=[], contexts=[])
    assert len(store.get_executions()) == 1


@pytest.mark.parametrize("written", [False, True], ids=["before it wrote", "after it wrote"])
def test_a_connection_lost_while_results_are_recorded(
    open_store: Callable[..., Any], written: bool
) -> None:
    lost: Failures = {"put_execution": []}
    store, _ = open_store(**{"after" if written else "before": lost})
    execution = new_execution(store)
    execution.id, _, _ = store.put_execution(execution, [], [])
    lost["put_execution"].append(errors.InternalError("lost connection"))
    execution.last_known_state = COMPLETE
    record = lambda: store.put_execution(  # noqa: E731
        execution=execution, artifact_and_events=[new_model(store)], contexts=[]
    )
    if written:
        with pytest.raises(LostAnswerError):
            record()
    else:
        record()
    [kept] = store.get_executions()
    assert kept.last_known_state == COMPLETE
    assert len(store.get_artifacts()) == 1
