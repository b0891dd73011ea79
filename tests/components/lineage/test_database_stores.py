"""MariaDB and PostgreSQL as metadata stores, for real."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("ml_metadata", reason="needs the `pipelines` extra")

from ml_metadata.proto import metadata_store_pb2

from components.errors import RunError
from components.lineage import patient_store
from components.lineage.metadata_uri import PASSWORD_VARIABLE, connect, connection_config
from components.lineage.patient_store import LAST_REFUSAL, PatientStore

if TYPE_CHECKING:
    from database_server import DatabaseServer

PATIENCE_SECONDS = 30.0
RACERS, RACED_TYPES = 4, [f"Raced{number}" for number in range(6)]
WRONG = "swordfish-4Tz0Rw"

OpenStore = Callable[..., PatientStore]


@pytest.fixture
def open_store(database_server: DatabaseServer) -> OpenStore:
    """Opens a database as a user, with that user's password or another."""
    from database_server import OWNER, PASSWORDS

    def open_it(
        database: str = "mlmd",
        user: str = OWNER,
        *,
        password: str | None = None,
        port: int | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> PatientStore:
        uri = database_server.uri(database, user, port)
        environment = {PASSWORD_VARIABLE: password or PASSWORDS[user]}
        return PatientStore(connection_config(uri, environment=environment), patience_seconds)

    return open_it


def new_artifact(store: Any, text: str) -> metadata_store_pb2.Artifact:
    type_id = store.put_artifact_type(
        metadata_store_pb2.ArtifactType(
            name="Text", properties={"declared": metadata_store_pb2.STRING}
        )
    )
    artifact = metadata_store_pb2.Artifact(type_id=type_id, uri=f"/{text}", name=text)
    artifact.properties["declared"].string_value = text
    artifact.custom_properties["free"].string_value = text
    return artifact


@pytest.mark.parametrize(
    "text",
    [
        "größer – 漢字 😀",
        'it\'s "quoted"',
        "two\nlines\t",
        '{"config": "{\\"tolerance\\": 1e-3}"}',
        "C:\\data\\",
        "＼ \\ ␛＼ ␛\\",
        "%s {0} $1 ?",
    ],
)
def test_text_comes_back_as_it_was_given(open_store: OpenStore, text: str) -> None:
    store = open_store()
    artifact = new_artifact(store, text)
    given = metadata_store_pb2.Artifact.FromString(artifact.SerializeToString())
    [artifact_id] = store.put_artifacts([artifact])
    assert artifact == given
    for kept in (
        *store.get_artifacts_by_id([artifact_id]),
        *store.get_artifacts_by_uri(given.uri),
        store.get_artifact_by_type_and_name("Text", given.name),
    ):
        assert kept.id == artifact_id
        assert kept.uri == given.uri
        assert kept.name == given.name
        assert kept.properties == given.properties
        assert kept.custom_properties == given.custom_properties


def test_a_type_that_many_put_at_once_is_there_once(
    database_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from database_server import OWNER, PASSWORDS
    from raced_types import put_types

    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORDS[OWNER])
    uri = database_server.uri("mlmd")
    store = connect(uri)
    context = multiprocessing.get_context("spawn")
    # They import TensorFlow first, which takes a busy machine minutes.
    start = context.Barrier(RACERS, timeout=240)
    arguments = (uri, RACED_TYPES, PATIENCE_SECONDS, start)
    racers = [context.Process(target=put_types, args=arguments) for _ in range(RACERS)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0] * RACERS
    found = Counter(one.name for one in store.get_artifact_types())
    assert {name: found[name] for name in RACED_TYPES} == dict.fromkeys(RACED_TYPES, 1)


def test_a_server_that_crashes_and_comes_back_is_asked_again(
    database_server: DatabaseServer, open_store: OpenStore
) -> None:
    store = open_store()
    type_id = store.put_context_type(metadata_store_pb2.ContextType(name="run"))
    store.put_contexts([metadata_store_pb2.Context(type_id=type_id, name="before")])
    database_server.crash()
    database_server.start()
    store.put_contexts([metadata_store_pb2.Context(type_id=type_id, name="after")])
    assert {one.name for one in store.get_contexts_by_type("run")} == {"before", "after"}


@pytest.mark.parametrize(
    ("asked", "told", "tries"),
    [
        ({"password": WRONG}, "is there, but refuses the user or the password", LAST_REFUSAL),
        (
            {"user": "nobody", "password": WRONG},
            "is there, but refuses the user or the password",
            LAST_REFUSAL,
        ),
        ({"database": "none"}, "no such database, or not for this user", 1),
        ({"user": "guest", "database": "empty"}, "not for this user|lacks rights", 1),
    ],
    ids=["password", "user", "database", "rights"],
)
def test_what_no_patience_mends_is_told_early(
    database_server: DatabaseServer,
    open_store: OpenStore,
    caplog: pytest.LogCaptureFixture,
    asked: dict[str, str],
    told: str,
    tries: int,
) -> None:
    with pytest.raises(RunError, match=told) as caught:
        open_store(**asked, patience_seconds=600.0)
    assert caplog.text.count("asking again") == tries - 1
    text = str(caught.value)
    assert f":{database_server.port}/" in text
    assert "fix:" in text
    assert WRONG not in text + caplog.text


def test_a_password_that_is_right_at_the_second_try_is_taken(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from database_server import OWNER, PASSWORDS

    tries: list[str] = []
    opening = patient_store.open_store

    def open_with_changing_password(connection: Any) -> Any:
        tries.append("")
        changed = type(connection).FromString(connection.SerializeToString())
        kind = getattr(changed, changed.WhichOneof("config"))
        kind.password = PASSWORDS[OWNER] if len(tries) == 2 else "old"
        return opening(changed)

    monkeypatch.setattr(patient_store, "open_store", open_with_changing_password)
    assert list(open_store("empty").get_contexts()) == []
    assert len(tries) == 2


OPEN_STORE = """
import sys
from components.errors import RunError
from components.lineage.metadata_uri import connection_config
from components.lineage.patient_store import PatientStore
try:
    print(list(PatientStore(connection_config(sys.argv[1]), 8.0).get_contexts()))
except RunError as error:
    print(error)
"""


def test_a_connection_lost_while_the_store_is_made_ready(
    database_server: DatabaseServer, project_dir: Path
) -> None:
    from cutting_proxy import CuttingProxy
    from database_server import OWNER, PASSWORDS

    # In a process of its own: a call to the store would keep the proxy's thread from running.
    with CuttingProxy(database_server.port, {40: "answer"}) as proxy:
        done = subprocess.run(
            [sys.executable, "-c", OPEN_STORE, database_server.uri("cut", port=proxy.port)],
            cwd=project_dir,
            env={**os.environ, PASSWORD_VARIABLE: PASSWORDS[OWNER]},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert proxy.cut == [40]
    if database_server.kind == "PostgreSQL":
        assert done.stdout == "[]\n"
    else:
        # MySQL does not take back the tables that it has made.
        assert "has only some of its tables" in done.stdout
        assert "create the database anew" in done.stdout


def test_nobody_at_the_address_is_told_when_patience_ends(open_store: OpenStore) -> None:
    from database_server import free_port

    with pytest.raises(RunError, match="does not answer") as caught:
        open_store(port=free_port(), patience_seconds=1.5)
    assert "Connection refused" in str(caught.value)


def test_one_try_tells_the_same_sentences(
    database_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, WRONG)
    with pytest.raises(RunError, match="refuses the user or the password") as caught:
        connect(database_server.uri("mlmd"))
    assert WRONG not in str(caught.value)
