"""`papergarden node` as a container calls it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.runners import kubeflow_node
from pipelines.runners.kubeflow_node import TaskRequest
from pipelines.runners.local_run import git_commit

WORDS = ("node", "--pipeline", "siren_pipeline", "--run-id", "r1", "--root", "/papergarden/runs")


@pytest.fixture(autouse=True)
def store_uri(monkeypatch: pytest.MonkeyPatch) -> str:
    # The command takes SIGTERM over; the test's own process gets it back.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("PAPERGARDEN_METADATA_URI", "grpc://store:8080")
    monkeypatch.delenv("PAPERGARDEN_GIT_COMMIT", raising=False)
    return "grpc://store:8080"


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[TaskRequest]:
    """What `prepare` was asked for."""
    requests: list[TaskRequest] = []

    def prepare(request: TaskRequest) -> list[str]:
        requests.append(request)
        return ["ready"]

    monkeypatch.setattr(kubeflow_node, "prepare", prepare)
    return requests


def test_a_task_knows_its_run_by_the_parameters(
    prepared: list[TaskRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--preset", "smoke", "--data-root", "gs://bucket/cub")
    lists = ("--overrides", '["training.steps=7"]', "--beam-options", '["runner=FlinkRunner"]')
    assert main([*WORDS, "--init-metadata", *words, *lists]) == 0
    [request] = prepared
    assert request.resolved.preset == "smoke"
    assert '"steps": 7' in request.resolved.to_json()
    assert request.data_root == "gs://bucket/cub"
    assert request.beam_args == ("--runner=FlinkRunner",)
    assert request.metadata_uri == "grpc://store:8080"
    assert request.git_commit == git_commit()
    assert capsys.readouterr().out == "ready\n"


def test_an_image_tells_its_commit(
    prepared: list[TaskRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERGARDEN_GIT_COMMIT", "0123abc")
    assert main([*WORDS, "--init-metadata"]) == 0
    assert prepared[0].git_commit == "0123abc"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "one of --node"),
        (("--node", "Trainer", "--verdict"), "one of --node"),
        (("--node", "Trainer", "--metadata-uri", ""), "PAPERGARDEN_METADATA_URI"),
        (("--node", "Trainer", "--overrides", "[1]"), "overrides"),
        (("--node", "Trainer", "--overrides", '["steps'), "overrides"),
        (("--node", "Trainer", "--overrides", "no_such_key=1"), "no_such_key"),
        (("--node", "Trainer", "--preset", "huge"), "huge"),
    ],
)
def test_wrong_words_are_wrong_usage(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, *words]) == 2
    assert told in capsys.readouterr().err


def test_sigterm_ends_a_task_that_waits_and_no_password_is_shown(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        environment = {
            **os.environ,
            "PAPERGARDEN_METADATA_URI": f"mysql://anna@127.0.0.1:{port}/mlmd",
            "PAPERGARDEN_METADATA_PASSWORD": "hunter2",
        }
        program = "import sys; from pipelines.cli import main; sys.exit(main())"
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", program, *WORDS, "--init-metadata"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        deadline = time.monotonic() + 60
        while b"asking again" not in log.read_bytes() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.terminate()
        assert process.wait(timeout=20) == 75
    text = log.read_text()
    assert "stopped by SIGTERM" in text
    assert "hunter2" not in text
