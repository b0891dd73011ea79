"""What a database server says before it knows who asks.

ML Metadata tells neither a wrong password from a server that is away, nor either from one that is
just starting. The server itself does: MySQL's begins with a greeting or a refusal (MySQL's client
protocol, connection phase), PostgreSQL's answers the name of a user and a database with the
question for a password or an error (PostgreSQL's documentation, chapter 55.7).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

TIMEOUT_SECONDS = 5.0
_MYSQL_PROTOCOL_10, _MYSQL_ERROR = b"\x0a", b"\xff"
# Too many connections; too many of this user; shutting down.
_MYSQL_PASSING = (1040, 1053, 1203)
_POSTGRESQL_3_0 = 196608
# Resources ran out; an operator or a start is in the way.
_POSTGRESQL_PASSING = ("53", "57")
_LONGEST_MESSAGE = 1 << 16


@dataclass(frozen=True)
class Greeting:
    """How a server meets a stranger.

    Attributes:
        state: `ready` to check a password, `away` for now, or it `refuses` whoever comes from here.
        words: What it says, or what the operating system says of it.
    """

    state: Literal["ready", "away", "refuses"]
    words: str = ""


def greet_mysql(host: str, port: int) -> Greeting:
    """Asks a MySQL or MariaDB."""
    try:
        with socket.create_connection((host, port), TIMEOUT_SECONDS) as connection:
            header = _read(connection, 4)
            size, number = int.from_bytes(header[:3], "little"), header[3]
            # Whatever else begins to talk at once does not count its packets from 0.
            payload = _read(connection, min(size, _LONGEST_MESSAGE)) if number == 0 else b""
    except OSError as error:
        return _away(error)
    if payload[:1] == _MYSQL_PROTOCOL_10:
        return Greeting("ready")
    if payload[:1] != _MYSQL_ERROR:
        return Greeting("refuses", "it is no MySQL or MariaDB")
    code = int.from_bytes(payload[1:3], "little")
    return Greeting("away" if code in _MYSQL_PASSING else "refuses", _text(payload[3:]))


def greet_postgresql(host: str, port: int, user: str, database: str) -> Greeting:
    """Asks a PostgreSQL whether it would take that user in, if it knew the password."""
    wanted = b"\0".join((b"user", user.encode(), b"database", database.encode(), b"", b""))
    message = _POSTGRESQL_3_0.to_bytes(4, "big") + wanted
    try:
        with socket.create_connection((host, port), TIMEOUT_SECONDS) as connection:
            connection.sendall((len(message) + 4).to_bytes(4, "big") + message)
            header = _read(connection, 5)
            size = int.from_bytes(header[1:], "big") - 4
            payload = _read(connection, min(size, _LONGEST_MESSAGE)) if header[:1] == b"E" else b""
    except OSError as error:
        return _away(error)
    if header[:1] == b"R":
        return Greeting("ready")
    if header[:1] != b"E":
        return Greeting("refuses", "it is no PostgreSQL")
    fields = {part[:1]: _text(part[1:]) for part in payload.split(b"\0") if part}
    passing = fields.get(b"C", "").startswith(_POSTGRESQL_PASSING)
    return Greeting("away" if passing else "refuses", fields.get(b"M", ""))


def _read(connection: socket.socket, size: int) -> bytes:
    """Exactly that many bytes.

    Raises:
        ConnectionError: If there are no more.
    """
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("it closes the connection without a word")
        data += part
    return data


def _away(error: OSError) -> Greeting:
    return Greeting("away", error.strerror or str(error))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()
