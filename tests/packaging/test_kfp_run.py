"""`kfp run <pipeline>` in environments made by pip, and upstream's words beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

UPSTREAM_WORDS = (("--help",), ("run", "--help"), ("run", "create", "--help"))


@pytest.fixture(scope="session")
def upstream_answers(bare_environment, endpoint: str) -> dict[tuple[str, ...], str]:
    """What the `kfp` of an environment without the project prints."""
    answers = {}
    for words in UPSTREAM_WORDS:
        done = bare_environment.run("kfp", "--endpoint", endpoint, *words)
        assert done.returncode == 0, done.stderr
        answers[words] = done.stdout
    return answers


@pytest.fixture(params=["pip install .", "pip install --editable ."], scope="module")
def installed(request, environment, project_dir: Path) -> Iterator:
    """The environment with the project in it; afterwards without it again."""
    editable = ["--editable"] if "--editable" in request.param else []
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    environment.pip("install", *offline, *editable, str(project_dir))
    yield environment
    environment.pip("uninstall", "--yes", "--quiet", "papergarden")


def test_a_registered_pipeline_is_ours(installed) -> None:
    done = installed.run("kfp", "--namespace", "papers", "run", "siren_pipeline", "--help")
    assert done.returncode == 0, done.stderr
    assert "papergarden run" in done.stdout
    assert "no Kubeflow endpoint" not in done.stderr


def test_a_run_on_kubeflow_reaches_the_sdk(installed, endpoint: str) -> None:
    secure = endpoint.replace("http://", "https://")
    done = installed.run("kfp", "--endpoint", secure, "run", "siren_pipeline")
    assert done.returncode == 1
    assert f"no secure connection to {secure}" in done.stderr


def test_papergarden_itself_answers(installed) -> None:
    done = installed.run("papergarden", "list")
    assert done.returncode == 0, done.stderr
    assert "siren_pipeline" in done.stdout


@pytest.mark.parametrize("words", UPSTREAM_WORDS, ids=" ".join)
def test_other_words_are_upstreams(installed, upstream_answers, endpoint, words) -> None:
    done = installed.run("kfp", "--endpoint", endpoint, *words)
    assert (done.returncode, done.stdout) == (0, upstream_answers[words])


def test_uninstalling_leaves_upstreams_command(installed, upstream_answers, project_dir) -> None:
    before = installed.site / "papergarden_kfp.pth"
    assert before.is_file()
    installed.pip("uninstall", "--yes", "--quiet", "papergarden")
    left = [path.name for path in installed.site.iterdir() if "papergarden" in path.name]
    assert left == []
    done = installed.run("kfp", "--help")
    assert (done.returncode, done.stdout) == (0, upstream_answers[("--help",)])
    assert done.stderr == ""


def test_a_broken_papergarden_leaves_upstreams_command(bare_environment, tmp_path: Path) -> None:
    hook = Path(__file__).parents[2] / "pipelines" / "kfp_command" / "papergarden_kfp.pth"
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "__init__.py").write_text("raise RuntimeError('half an upgrade')\n")
    copy = bare_environment.site / hook.name
    copy.write_text(hook.read_text())
    try:
        done = bare_environment.run("kfp", "--version", PYTHONPATH=str(tmp_path))
    finally:
        copy.unlink()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("kfp ")
