"""Which ML Metadata store a URI names, and a connection to it.

| URI | store |
|---|---|
| `sqlite:///folder/metadata.sqlite` | a file on this machine |
| `mysql://user@host:3306/database` | MySQL or MariaDB |
| `postgresql://user@host:5432/database` | PostgreSQL |
| `grpc://host:8080` | an ML Metadata server |

A URI travels in command lines, pipeline specifications and ML Metadata itself, so it never carries
a password: that comes from the environment, or from a file the environment names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, quote, unquote, urlsplit

from components.errors import ConfigError

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    AnyConnection: TypeAlias = (
        metadata_store_pb2.ConnectionConfig | metadata_store_pb2.MetadataStoreClientConfig
    )

USER_VARIABLE = "PAPERGARDEN_METADATA_USER"
PASSWORD_VARIABLE = "PAPERGARDEN_METADATA_PASSWORD"
PASSWORD_FILE_VARIABLE = "PAPERGARDEN_METADATA_PASSWORD_FILE"

_DEFAULT_PORTS = {"mysql": 3306, "postgresql": 5432, "grpc": 8080}
_FORMS = (
    "sqlite:///absolute/path, mysql://user@host:port/database, "
    "postgresql://user@host:port/database or grpc://host:port"
)


def sqlite_uri(path: str | os.PathLike[str]) -> str:
    """Returns the URI of a SQLite file; a relative path is taken from the working directory."""
    return "sqlite://" + quote(str(Path(path).absolute()))


def connect(
    uri: str,
    *,
    read_only: bool = False,
    environment: Mapping[str, str] | None = None,
) -> MetadataStore:
    """Opens the store that a URI names.

    Args:
        uri: See the table on top of this module.
        read_only: Only ask questions. A SQLite file must exist and is not written to.
        environment: Where user and password are looked up; the process's own by default.

    Raises:
        ConfigError: The URI is not one of the table's forms, carries a password, or names a SQLite
            file that is not there when `read_only`.
        RunError: The store cannot be opened, and why.
    """
    from ml_metadata import errors

    from components.lineage.store_failure import explain_failure

    config = connection_config(uri, read_only=read_only, environment=environment)
    try:
        return open_store(config)
    except (errors.StatusError, RuntimeError) as error:
        raise explain_failure(config, error).error from error


def open_store(connection: AnyConnection) -> MetadataStore:
    """Opens the store of a connection, as ML Metadata does it, with ML Metadata's errors."""
    import ml_metadata
    from ml_metadata.proto import metadata_store_pb2

    if (
        isinstance(connection, metadata_store_pb2.ConnectionConfig)
        and connection.WhichOneof("config") == "postgresql"
    ):
        from components.lineage.postgresql_store import PostgreSQLStore

        return PostgreSQLStore(connection)
    return ml_metadata.MetadataStore(connection)


def connection_config(
    uri: str,
    *,
    read_only: bool = False,
    environment: Mapping[str, str] | None = None,
) -> AnyConnection:
    """Returns the connection that TFX's launcher and `MetadataStore` take; see `connect`."""
    parts = _split(uri)
    if parts.scheme == "sqlite":
        return _sqlite(parts, read_only)
    environment = os.environ if environment is None else environment
    if parts.scheme == "grpc":
        return _grpc(parts)
    if parts.scheme == "mysql":
        return _mysql(parts, environment)
    return _postgresql(parts, environment)


def _split(uri: str) -> SplitResult:
    parts = urlsplit(uri)
    if parts.password is not None:
        raise ConfigError(
            "A metadata URI carries a password, and URIs are logged and stored",
            expected="a URI without one",
            fix=f"set {PASSWORD_VARIABLE}, or {PASSWORD_FILE_VARIABLE} to a file that holds it",
        )
    if parts.scheme not in ("sqlite", *_DEFAULT_PORTS):
        raise ConfigError("Unknown kind of metadata store", found=uri, expected=_FORMS)
    return parts


def _sqlite(parts: SplitResult, read_only: bool) -> metadata_store_pb2.ConnectionConfig:
    from ml_metadata.proto import metadata_store_pb2

    # `sqlite:////path`, with SQLAlchemy's four slashes, means the same file.
    path = Path("/" + unquote(parts.path).lstrip("/"))
    if parts.netloc or not parts.path.strip("/"):
        raise ConfigError(
            "A SQLite URI holds an absolute path after three slashes",
            found=parts.geturl(),
            expected="sqlite:///absolute/path/metadata.sqlite",
        )
    if read_only and not path.is_file():
        raise ConfigError(
            "There is no metadata store at this path",
            found=path,
            expected="the SQLite file of earlier runs",
            fix="run a pipeline first, or name the root it ran in with --root",
        )
    mode = metadata_store_pb2.SqliteMetadataSourceConfig
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    if read_only:
        config.sqlite.connection_mode = mode.READONLY
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        config.sqlite.connection_mode = mode.READWRITE_OPENCREATE
    return config


def _grpc(parts: SplitResult) -> metadata_store_pb2.MetadataStoreClientConfig:
    from ml_metadata.proto import metadata_store_pb2

    return metadata_store_pb2.MetadataStoreClientConfig(host=_host(parts), port=_port(parts))


def _mysql(
    parts: SplitResult, environment: Mapping[str, str]
) -> metadata_store_pb2.ConnectionConfig:
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.mysql.host = _host(parts)
    config.mysql.port = _port(parts)
    config.mysql.database = _database(parts)
    config.mysql.user = _user(parts, environment)
    config.mysql.password = _password(environment)
    return config


def _postgresql(
    parts: SplitResult, environment: Mapping[str, str]
) -> metadata_store_pb2.ConnectionConfig:
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.postgresql.host = _host(parts)
    config.postgresql.port = str(_port(parts))
    config.postgresql.dbname = _database(parts)
    config.postgresql.user = _user(parts, environment)
    config.postgresql.password = _password(environment)
    return config


def _host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise ConfigError("A metadata URI names no host", found=parts.geturl(), expected=_FORMS)
    return parts.hostname


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigError(
            "A metadata URI's port is not a port",
            found=parts.netloc.rpartition(":")[2],
            expected="a number from 1 to 65535",
        ) from error
    return port or _DEFAULT_PORTS[parts.scheme]


def _database(parts: SplitResult) -> str:
    name = unquote(parts.path.strip("/"))
    if not name:
        raise ConfigError("A metadata URI names no database", found=parts.geturl(), expected=_FORMS)
    return name


def _user(parts: SplitResult, environment: Mapping[str, str]) -> str:
    user = unquote(parts.username or "") or environment.get(USER_VARIABLE, "")
    if not user:
        raise ConfigError(
            "A metadata URI names no user",
            found=parts.geturl(),
            expected=f"{parts.scheme}://user@host/database, or the user in {USER_VARIABLE}",
        )
    return user


def _password(environment: Mapping[str, str]) -> str:
    path = environment.get(PASSWORD_FILE_VARIABLE)
    if not path:
        return environment.get(PASSWORD_VARIABLE, "")
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The file that {PASSWORD_FILE_VARIABLE} names cannot be read",
            found=path,
            expected="a text file that holds the password alone",
        ) from error
