"""What servers say before a login, from recorded bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from components.lineage import server_greeting
from components.lineage.server_greeting import Greeting, greet_mysql, greet_postgresql

MYSQL_READY = b"\x0a10.11.19-MariaDB\0"
MYSQL_FULL = b"\xff\x10\x04Too many connections"
SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
MYSQL_BLOCKED = b"\xff\x6a\x04Host '10.0.0.7' is not allowed to connect to this MariaDB server"


@contextmanager
def server(words: bytes, *, listens: bool) -> Iterator[int]:
    """A server that says these words and closes, after it heard something if it `listens`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                if listens:
                    connection.recv(1000)
                connection.sendall(words)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def mysql_packet(payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def postgresql_error(code: str, message: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


@pytest.mark.parametrize(
    ("words", "greeting"),
    [
        (mysql_packet(MYSQL_READY), Greeting("ready")),
        (mysql_packet(MYSQL_FULL), Greeting("away", "Too many connections")),
        (mysql_packet(MYSQL_BLOCKED), Greeting("refuses", MYSQL_BLOCKED[3:].decode())),
        (SSH, Greeting("refuses", "it is no MySQL or MariaDB")),
        (b"", Greeting("away", "it closes the connection without a word")),
    ],
    ids=["ready", "full", "blocked", "not a database", "silent"],
)
def test_mysql(words: bytes, greeting: Greeting) -> None:
    with server(words, listens=False) as port:
        assert greet_mysql("127.0.0.1", port) == greeting


@pytest.mark.parametrize(
    ("words", "greeting"),
    [
        (b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0", Greeting("ready")),
        (
            postgresql_error("57P03", "the database system is starting up"),
            Greeting("away", "the database system is starting up"),
        ),
        (
            postgresql_error("53300", "sorry, too many clients already"),
            Greeting("away", "sorry, too many clients already"),
        ),
        (
            postgresql_error("28000", "no pg_hba.conf entry for host"),
            Greeting("refuses", "no pg_hba.conf entry for host"),
        ),
        (mysql_packet(MYSQL_READY), Greeting("refuses", "it is no PostgreSQL")),
        (b"", Greeting("away", "it closes the connection without a word")),
    ],
    ids=["ready", "starting", "full", "not let in", "not a database", "silent"],
)
def test_postgresql(words: bytes, greeting: Greeting) -> None:
    with server(words, listens=True) as port:
        assert greet_postgresql("127.0.0.1", port, "anna", "mlmd") == greeting


@pytest.mark.parametrize(
    "greet", [greet_mysql, lambda host, port: greet_postgresql(host, port, "anna", "mlmd")]
)
def test_a_server_that_is_not_there(
    greet: Callable[[str, int], Greeting], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        assert greet("127.0.0.1", reserved.getsockname()[1]) == Greeting(
            "away", "Connection refused"
        )
    assert greet("no-such-host.invalid", 1).state == "away"
    monkeypatch.setattr(server_greeting, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert greet("127.0.0.1", silent.getsockname()[1]).state == "away"
