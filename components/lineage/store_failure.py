"""Why a metadata store cannot be used, in words that say what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.errors import RunError
from components.lineage.metadata_uri import (
    PASSWORD_FILE_VARIABLE,
    PASSWORD_VARIABLE,
    USER_VARIABLE,
)
from components.lineage.server_greeting import Greeting, greet_mysql, greet_postgresql

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

    from components.lineage.metadata_uri import AnyConnection

# ML Metadata's words where its database's client could not log in, whatever the reason.
_NO_LOGIN = re.compile("mysql_real_connect failed|connection pointer is null")
_DATABASES = ("mysql", "postgresql")


@dataclass(frozen=True)
class StoreFailure:
    """What a failed call to a store means.

    Attributes:
        error: What a user is told.
        lasting: Asking again changes nothing.
        refused: The server is there and did not let the user in; it may just have started, so one
            refusal proves nothing.
    """

    error: RunError
    lasting: bool = False
    refused: bool = False


@dataclass(frozen=True)
class _Meaning:
    """What certain words of MySQL, PostgreSQL, SQLite or ML Metadata mean."""

    words: re.Pattern[str]
    what: str
    expected: str
    fix: str
    lasting: bool = True


_MEANINGS = (
    _Meaning(
        re.compile("could not serialize access|deadlock"),
        "was written to by another task at the same moment",
        "a moment in which nobody else writes",
        "another try goes on from where this one stopped",
        lasting=False,
    ),
    _Meaning(
        re.compile("subset of tables in mlmd|no schema_version can be found"),
        "has only some of its tables",
        "a store that was made ready in one go, or is being made ready right now",
        "if nobody makes it ready now, an earlier try was cut off, and it holds nothing yet: "
        "create the database anew",
        lasting=False,
    ),
    _Meaning(
        re.compile(
            "access denied for user|permission denied to create database|unknown database"
            '|(database|role) ".*" does not exist'
        ),
        "has no such database, or not for this user",
        "a database in which the user has all rights",
        "create the database and give it to the user",
    ),
    _Meaning(
        re.compile("command denied|permission denied|must be owner"),
        "is there, but its user lacks rights",
        "a user with all rights in the database",
        "give the database to the user",
    ),
    _Meaning(
        re.compile("index row|max_allowed_packet|data too long"),
        "cannot hold a property that long",
        "a shorter one",
        "use MySQL or MariaDB as the metadata store, or a shorter configuration",
    ),
    _Meaning(
        re.compile(
            "unable to open database file|not a database|readonly database|library version"
            "|syntax error"
        ),
        "cannot be used",
        "a store that ML Metadata wrote, and that this user may write to",
        "name another store",
    ),
)


def explain_failure(connection: AnyConnection, error: Exception) -> StoreFailure:
    """What a failure of a store means; asks the server where the failure does not tell.

    Args:
        connection: The store, from `metadata_uri.connection_config`.
        error: What ML Metadata raised.
    """
    name = describe_store(connection)
    words = str(error).lower()
    if _kind(connection) in _DATABASES and _NO_LOGIN.search(words):
        return _explain_no_login(connection, name, _greeting(connection))
    for one in _MEANINGS:
        if one.words.search(words):
            told = RunError(
                f"the metadata store {name} {one.what}",
                found=_said(error),
                expected=one.expected,
                fix=one.fix,
            )
            return StoreFailure(told, lasting=one.lasting)
    return StoreFailure(
        RunError(
            f"the metadata store {name} fails",
            found=_said(error),
            expected="a store that answers",
            fix="look at the store; another try goes on from where this one stopped",
        )
    )


def describe_store(connection: AnyConnection) -> str:
    """The store's URI; there is no password in it."""
    kind = _kind(connection)
    if kind == "grpc":
        return f"grpc://{connection.host}:{connection.port}"
    if kind == "sqlite":
        return f"sqlite://{connection.sqlite.filename_uri}"
    if kind == "mysql":
        config = connection.mysql
        return f"mysql://{config.user}@{config.host}:{config.port}/{config.database}"
    config = connection.postgresql
    return f"postgresql://{config.user}@{config.host}:{config.port}/{config.dbname}"


def _explain_no_login(connection: AnyConnection, name: str, greeting: Greeting) -> StoreFailure:
    if greeting.state == "away":
        return StoreFailure(
            RunError(
                f"the metadata store {name} does not answer",
                found=greeting.words,
                expected="a server at that address",
                fix="start it, or correct the URI; another try goes on from where this one stopped",
            )
        )
    if greeting.state == "refuses":
        return StoreFailure(
            RunError(
                f"the metadata store {name} takes nobody in from here",
                found=greeting.words,
                fix="let the server accept this host, user and database",
            ),
            lasting=True,
        )
    return StoreFailure(
        RunError(
            f"the metadata store {name} is there, but refuses the user or the password",
            expected="a user and a password that the server knows"
            + (" (mysql_native_password)" if _kind(connection) == "mysql" else ""),
            fix=f"correct {USER_VARIABLE}, and {PASSWORD_VARIABLE} or the file that "
            f"{PASSWORD_FILE_VARIABLE} names",
        ),
        refused=True,
    )


def _greeting(connection: metadata_store_pb2.ConnectionConfig) -> Greeting:
    if _kind(connection) == "mysql":
        return greet_mysql(connection.mysql.host, connection.mysql.port)
    config = connection.postgresql
    return greet_postgresql(config.host, int(config.port), config.user, config.dbname)


def _said(error: Exception) -> str:
    """The server's own words in an error; ML Metadata writes MySQL's twice, with its own before."""
    text = str(error).strip() or type(error).__name__
    own = re.search(r"(?:, error: |ERROR: +|FATAL: +)(\S.*)", text)
    return own[1] if own else text.splitlines()[0]


def _kind(connection: AnyConnection) -> str:
    """`grpc`, or the kind of database."""
    is_server = not hasattr(connection, "sqlite")
    return "grpc" if is_server else str(connection.WhichOneof("config"))
