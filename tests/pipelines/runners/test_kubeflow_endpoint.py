"""Addresses and credentials: what is taken, and what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ConfigError
from pipelines.runners.kubeflow_endpoint import Endpoint


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("http://localhost:8888/", "http://localhost:8888"),
        ("kubeflow.example", "https://kubeflow.example"),
        ("https://kubeflow.example/pipeline/#/runs", "https://kubeflow.example/pipeline"),
        ("http://[::1]:8888", "http://[::1]:8888"),
    ],
)
def test_an_address_is_taken_as_people_write_it(given: str, taken: str) -> None:
    assert Endpoint(given).url == taken


@pytest.mark.parametrize(
    "given", ["http://", "ftp://host", "http://host:port", "http://host:99999", "http://h/?token=x"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="no address"):
        Endpoint(given)


def test_a_refused_address_does_not_show_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint("http://user:hunter22@host:port")
    assert "hunter22" not in str(caught.value)


def test_credentials_are_shown_nowhere() -> None:
    endpoint = Endpoint(
        "https://me:pass%20word@host/x",
        existing_token="the-token",
        cookies="session=the-session; a=1",
        other_client_secret="the-secret",
    )
    text = endpoint.redact(f"{endpoint.url} Bearer the-token, the-session, the-secret, a=1 pass 1")
    assert text == "https://host/x Bearer ***, ***, ***, a=1 pass 1"
    for secret in ("the-token", "the-session", "the-secret", "pass%20word"):
        assert secret not in repr(endpoint)
    assert endpoint.words == ["--endpoint", "https://host/x"]


@pytest.mark.parametrize("credential", ["existing_token", "cookies", "other_client_secret"])
def test_a_credential_that_no_header_can_hold_is_refused_without_being_shown(
    credential: str,
) -> None:
    assert getattr(Endpoint("http://h", **{credential: " abc\n"}), credential) == "abc"
    for broken in ("secret\nvalue", "sécret"):
        with pytest.raises(ConfigError) as caught:
            Endpoint("http://h", **{credential: broken})
        assert "cret" not in str(caught.value).replace("--other-client-secret", "")


@pytest.mark.parametrize("option", ["ssl_ca_cert", "token_path"])
def test_a_file_that_is_not_there_is_named(option: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(ConfigError, match=r"missing.pem"):
        Endpoint("http://h", **{option: missing})


def test_pages_are_kubeflows_own_unless_another_address_has_them() -> None:
    assert Endpoint("http://u:p@h:1").page("runs", "a") == "http://h:1/#/runs/details/a"
    other = Endpoint("http://h:1", page_url="ui.example/pipeline/")
    assert other.page("runs", "a") == "https://ui.example/pipeline/#/runs/details/a"
