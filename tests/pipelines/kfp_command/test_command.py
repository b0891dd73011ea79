from __future__ import annotations

import os

import pytest

import pipelines.cli
from pipelines.kfp_command.command import run_registered, translate
from pipelines.kfp_command.words import Request


def _request(*words: str, **options: str) -> Request:
    return Request("siren_pipeline", options, words)


def test_an_endpoint_becomes_an_option() -> None:
    words = translate(_request("--preset", "smoke", endpoint="http://k"), {})
    assert words == ["run", "siren_pipeline", "--endpoint", "http://k", "--preset", "smoke"]


@pytest.mark.parametrize("variable", ["KFP_ENDPOINT", "KF_PIPELINES_ENDPOINT"])
def test_an_endpoint_is_taken_from_where_upstream_takes_it(variable: str) -> None:
    words = translate(_request(), {variable: "http://k"})
    assert words == ["run", "siren_pipeline", "--endpoint", "http://k"]


def test_the_option_outranks_the_variable() -> None:
    words = translate(_request(endpoint="http://option"), {"KFP_ENDPOINT": "http://variable"})
    assert words[-1] == "http://option"


def test_an_endpoint_behind_the_name_is_not_given_twice() -> None:
    words = translate(_request("--endpoint=http://later"), {"KFP_ENDPOINT": "http://k"})
    assert words == ["run", "siren_pipeline", "--endpoint=http://later"]


def test_credentials_do_not_become_words() -> None:
    environment: dict[str, str] = {}
    words = translate(_request(existing_token="secret", namespace="papers"), environment)
    assert words == ["run", "siren_pipeline"]
    assert environment == {"KFP_EXISTING_TOKEN": "secret", "KFP_NAMESPACE": "papers"}


@pytest.mark.parametrize(
    ("options", "words", "said"),
    [
        ({}, (), True),
        ({}, ("--preset", "smoke"), True),
        ({}, ("--help",), False),
        ({}, ("--endpoint", "http://k"), False),
        ({"endpoint": "http://k"}, (), False),
    ],
)
def test_running_here_is_said(options, words, said, monkeypatch, capsys) -> None:
    calls = []
    monkeypatch.setattr(pipelines.cli, "main", lambda arguments: calls.append(arguments) or 3)
    monkeypatch.setattr(os, "environ", {})
    assert run_registered(_request(*words, **options)) == 3
    assert len(calls) == 1
    assert ("no Kubeflow endpoint is configured" in capsys.readouterr().err) == said
