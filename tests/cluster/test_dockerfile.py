"""What `kfp/Dockerfile` shares with other files; `make image` and `make test-containers` run it."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def instructions(project_dir: Path) -> list[tuple[str, str]]:
    """(instruction, words) of the Dockerfile, lines that go on joined."""
    text = (project_dir / "kfp" / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.partition(" ") for line in joined.splitlines() if line]
    return [(name, words) for name, _, words in found]


def words_of(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [words for one, words in instructions if one == name]


def test_uv_is_the_one_that_sets_environments_up(
    instructions: list[tuple[str, str]], project_dir: Path
) -> None:
    bootstrap = (project_dir / "scripts" / "bootstrap.sh").read_text()
    pinned = re.search(r"^uv_version=(.+)$", bootstrap, re.M)
    assert pinned
    assert f"UV_VERSION={pinned[1]}" in words_of(instructions, "ARG")


def test_python_is_the_one_of_the_project(
    instructions: list[tuple[str, str]], project_dir: Path
) -> None:
    version = (project_dir / ".python-version").read_text().strip()
    [image] = [one for one in words_of(instructions, "ARG") if one.startswith("PYTHON_IMAGE=")]
    assert image == f"PYTHON_IMAGE=python:{version}-slim-bookworm"
    for words in words_of(instructions, "FROM"):
        assert words.split()[0] == "${PYTHON_IMAGE}"


def test_packages_are_those_of_the_lock_alone(instructions: list[tuple[str, str]]) -> None:
    installs = [one for one in words_of(instructions, "RUN") if "uv sync" in one]
    assert len(installs) == 2
    for words in installs:
        assert {"--frozen", "--no-dev", "--extra pipelines"} <= set(
            re.findall(r"--extra \S+|--\S+", words)
        )
    # Nothing else comes from an index, uv itself aside.
    assert [one for one in words_of(instructions, "RUN") if "pip install" in one] == [
        'python3 -m pip install --no-cache-dir "uv==${UV_VERSION}"'
    ]


def test_the_gpu_variant_installs_a_group_of_the_lock(project_dir: Path) -> None:
    assert "--group gpu" in (project_dir / "kfp" / "Dockerfile").read_text()
    assert re.search(r"^gpu = \[", (project_dir / "pyproject.toml").read_text(), re.M)
    lock = (project_dir / "uv.lock").read_text()
    for package in ("nvidia-cudnn-cu12", "nvidia-cublas-cu12", "nvidia-nccl-cu12"):
        assert f'name = "{package}"\n' in lock


def test_the_image_runs_as_a_user_without_rights(instructions: list[tuple[str, str]]) -> None:
    last_stage = instructions[max(i for i, one in enumerate(instructions) if one[0] == "FROM") :]
    [user] = words_of(last_stage, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    after = [name for name, _ in last_stage[last_stage.index(("USER", user)) :]]
    assert not {"RUN", "COPY"} & set(after)


def test_the_context_holds_what_is_copied_and_nothing_else(
    instructions: list[tuple[str, str]], project_dir: Path
) -> None:
    lines = (project_dir / ".dockerignore").read_text().splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    copied = {
        source
        for words in words_of(instructions, "COPY")
        if not words.startswith("--from")
        for source in words.split()[:-1]
    }
    assert copied == kept
    assert all((project_dir / source).exists() for source in copied)


def test_what_the_wheel_is_built_from_is_copied(
    instructions: list[tuple[str, str]], project_dir: Path
) -> None:
    pyproject = (project_dir / "pyproject.toml").read_text()
    packages = re.search(r"wheel\]\npackages = \[(.+)\]", pyproject)
    assert packages
    needed = {*re.findall(r'"(\w+)"', packages[1]), "README.md", "LICENSE", "pyproject.toml"}
    lines = (project_dir / ".dockerignore").read_text().splitlines()
    assert needed <= {line[1:] for line in lines if line.startswith("!")}
    left_out = [line for line in lines if line.startswith("**/")]
    for package in needed:
        for path in (project_dir / package).rglob("*.py"):
            assert not any(fnmatch.fnmatch(path.name, one[3:]) for one in left_out)
