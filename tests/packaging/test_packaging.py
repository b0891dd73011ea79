"""What is in the wheel, and that the folder `kfp/` never becomes a package."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

PACKAGES = ("components", "pipelines", "schemas")


def test_wheel_holds_the_packages_and_the_hook_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {*PACKAGES, "papergarden_kfp.pth"}


def test_wheel_holds_every_file_of_the_packages(wheel: Path, project_dir: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(project_dir))
        for package in PACKAGES
        for path in (project_dir / package).rglob("*")
        if path.suffix in {".py", ".pbtxt", ".md", ".j2", ".css", ".js"}
    }
    assert expected
    assert expected <= names


def test_wheel_leaves_the_script_kfp_to_upstream(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert archive.read(name).decode().split() == [
        "[console_scripts]",
        "papergarden",
        "=",
        "pipelines.cli:main",
    ]


def test_the_folder_kfp_is_no_package(project_dir: Path) -> None:
    assert not (project_dir / "kfp" / "__init__.py").exists()


def test_import_kfp_finds_the_sdk_beside_a_folder_of_that_name(
    project_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "kfp").mkdir()
    code = f"""
import sys
sys.path[:0] = [{str(project_dir)!r}, {str(tmp_path)!r}]
import importlib.util
print(importlib.util.find_spec("kfp.dsl").origin)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=project_dir, check=True
    )
    site = Path(sysconfig.get_path("purelib"))
    assert Path(done.stdout.strip()).is_relative_to(site / "kfp")


def test_this_environment_has_the_hook_of_these_sources(project_dir: Path) -> None:
    name = "papergarden_kfp.pth"
    installed = Path(sysconfig.get_path("purelib")) / name
    source = project_dir / "pipelines" / "kfp_command" / name
    assert installed.read_text() == source.read_text(), "run `make setup`"
