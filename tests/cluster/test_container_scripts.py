"""What the scripts for containers say where they cannot run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SCRIPTS = ("test_containers.sh", "build_image.sh")


def run(project_dir: Path, script: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Runs a script where programs are those of a folder; gives its exit code and complaint."""
    done = subprocess.run(
        [str(project_dir / "scripts" / script)],
        capture_output=True,
        text=True,
        env={"PATH": str(folder), "CONTAINERS_DIR": str(folder / "kept"), **variables},
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs, among them no container engine."""
    for name in ("bash", "cat", "dirname", "id", "mkdir", "sed", "timeout"):
        found = shutil.which(name)
        assert found, name
        (tmp_path / name).symlink_to(found)
    return tmp_path


def add_program(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.write_text("\n".join(("#!/usr/bin/env bash", *lines, "")))
    path.chmod(0o755)


@pytest.mark.parametrize("script", SCRIPTS)
def test_missing_engines_are_named_with_the_packages_that_bring_them(
    script: str, project_dir: Path, programs: Path
) -> None:
    # A client alone is no engine.
    add_program(programs, "docker", "echo no daemon >&2", "exit 1")
    code, complaint = run(project_dir, script, programs)
    assert code == 1
    assert "podman runc cannot be found" in complaint
    assert "apt-get install podman runc" in complaint

    add_program(programs, "podman")
    code, complaint = run(project_dir, script, programs)
    assert code == 1
    assert " runc cannot be found" in complaint
    assert "podman runc cannot" not in complaint


def test_a_missing_debootstrap_is_named(project_dir: Path, programs: Path) -> None:
    add_program(programs, "podman")
    add_program(programs, "runc")
    # As root, which this takes.
    (programs / "id").unlink()
    add_program(programs, "id", "echo 0")
    (programs / "chmod").symlink_to(str(shutil.which("chmod")))
    # Its path has to be short.
    with tempfile.TemporaryDirectory() as kept:
        code, complaint = run(project_dir, "test_containers.sh", programs, CONTAINERS_DIR=kept)
    assert code == 1
    assert "debootstrap is missing: apt-get install debootstrap" in complaint


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_engine_that_is_not_there_is_named(
    script: str, project_dir: Path, programs: Path
) -> None:
    code, complaint = run(project_dir, script, programs, ENGINE="nerdctl")
    assert code == 1
    assert "ENGINE names nerdctl" in complaint


def test_an_image_that_is_not_there_is_named(project_dir: Path, programs: Path) -> None:
    add_program(programs, "engine", "exit 1")
    code, complaint = run(
        project_dir, "test_containers.sh", programs, ENGINE="engine", IMAGE="papergarden:7"
    )
    assert code == 1
    assert "papergarden:7" in complaint
    assert "`make image` builds it" in complaint


def test_a_folder_that_podman_cannot_take_is_refused(project_dir: Path, programs: Path) -> None:
    for name in ("podman", "runc"):
        add_program(programs, name)
    (programs / "id").unlink()
    add_program(programs, "id", "echo 0")
    long = str(programs / ("kept" * 20))
    code, complaint = run(project_dir, "test_containers.sh", programs, CONTAINERS_DIR=long)
    assert code == 1
    assert "CONTAINERS_DIR" in complaint
