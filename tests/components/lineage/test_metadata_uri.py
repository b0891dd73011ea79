"""Which store a URI names."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ConfigError, RunError
from components.lineage.metadata_uri import (
    PASSWORD_FILE_VARIABLE,
    PASSWORD_VARIABLE,
    USER_VARIABLE,
    connect,
    connection_config,
    sqlite_uri,
)


@pytest.mark.parametrize("slashes", ["", "/"])
def test_sqlite_path_with_three_or_four_slashes(tmp_path: Path, slashes: str) -> None:
    config = connection_config(f"sqlite://{slashes}{tmp_path}/runs/m.sqlite")
    assert config.sqlite.filename_uri == f"{tmp_path}/runs/m.sqlite"


def test_path_with_odd_characters_survives(tmp_path: Path) -> None:
    path = tmp_path / "a b#c?d%e" / "metadata.sqlite"
    connect(sqlite_uri(path))
    assert path.is_file()


def test_relative_path_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    config = connection_config(sqlite_uri("runs/m.sqlite"))
    assert config.sqlite.filename_uri == str(tmp_path / "runs" / "m.sqlite")


def test_asking_a_missing_file_does_not_create_it(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "m.sqlite"
    with pytest.raises(ConfigError, match="no metadata store"):
        connect(sqlite_uri(path), read_only=True)
    assert not path.parent.exists()


def test_asking_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    connect(sqlite_uri(path))
    before = path.read_bytes()
    assert list(connect(sqlite_uri(path), read_only=True).get_contexts()) == []
    assert path.read_bytes() == before


def test_file_that_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    path.write_text("<html>not found</html>" * 100)
    with pytest.raises(RunError, match="cannot be used"):
        connect(sqlite_uri(path), read_only=True)


@pytest.mark.parametrize("uri", ["sqlite://m.sqlite", "sqlite:///", "m.sqlite", "ftp://host/x", ""])
def test_other_forms_are_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        connection_config(uri)


def test_mysql_takes_user_and_password_from_the_environment() -> None:
    environment = {USER_VARIABLE: "anna", PASSWORD_VARIABLE: "secret"}
    config = connection_config("mysql://db.example/mlmd", environment=environment)
    assert (config.mysql.host, config.mysql.port) == ("db.example", 3306)
    assert (config.mysql.user, config.mysql.password) == ("anna", "secret")
    assert config.mysql.database == "mlmd"


def test_postgresql_takes_the_password_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("two words \n")
    environment = {PASSWORD_FILE_VARIABLE: str(file), PASSWORD_VARIABLE: "other"}
    config = connection_config("postgresql://anna@db:5433/mlmd", environment=environment)
    assert (config.postgresql.host, config.postgresql.port) == ("db", "5433")
    assert (config.postgresql.user, config.postgresql.password) == ("anna", "two words ")


def test_grpc_server() -> None:
    config = connection_config("grpc://metadata.kubeflow:9090")
    assert (config.host, config.port) == ("metadata.kubeflow", 9090)
    assert connection_config("grpc://metadata").port == 8080


def test_password_in_the_uri_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        connection_config("mysql://anna:hunter2@db/mlmd")
    assert "hunter2" not in str(caught.value)
    assert PASSWORD_VARIABLE in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "missing"),
    [
        ("mysql://anna@/mlmd", "host"),
        ("mysql://anna@db", "database"),
        ("postgresql://db/mlmd", "user"),
        ("grpc://db:99999", "port"),
    ],
)
def test_what_a_server_uri_lacks_is_named(uri: str, missing: str) -> None:
    with pytest.raises(ConfigError, match=missing):
        connection_config(uri, environment={})


def test_unreadable_password_file_is_named(tmp_path: Path) -> None:
    environment = {PASSWORD_FILE_VARIABLE: str(tmp_path / "none")}
    with pytest.raises(ConfigError, match="cannot be read"):
        connection_config("mysql://anna@db/mlmd", environment=environment)
