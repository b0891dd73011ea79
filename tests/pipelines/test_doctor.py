from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from pipelines.doctor import Check, machine, packages, render, run_checks, storage
from pipelines.doctor.stacks import check_glibc, check_python, check_stacks, find_glibc

HEAVY = {"tfx", "tensorflow", "keras", "apache_beam", "kfp", "ml_metadata"}


def _statuses(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.status for check in checks}


def test_this_environment_can_run_pipelines(tmp_path: Path) -> None:
    checks = run_checks(tmp_path / "runs")
    assert [check for check in checks if check.status == "fail"] == []
    assert not (tmp_path / "runs").exists()
    assert list(tmp_path.iterdir()) == []


def test_it_is_quick_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"""
import pathlib, sys
from pipelines.doctor import run_checks
run_checks(pathlib.Path({str(tmp_path)!r}))
print(sorted({HEAVY!r} & set(sys.modules)))
"""
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    # 0.5 s on a quiet machine.
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("python", "glibc", "first", "second"),
    [
        ((3, 10), (2, 36), "installs here", "needs glibc 2.39, this is 2.36"),
        ((3, 10), (2, 41), "installs here", "needs Python 3.11-3.13, this is 3.10"),
        ((3, 13), (2, 41), "needs Python 3.10, this is 3.13", "installs here"),
    ],
)
def test_one_fitting_stack_is_enough(python, glibc, first, second) -> None:
    checks = check_stacks(python, glibc)
    assert _statuses(checks) == {"TFX 1.16": "ok", "TFX 1.21": "ok"}
    assert first in checks[0].found
    assert second in checks[1].found


@pytest.mark.parametrize(
    ("python", "glibc", "advice"),
    [
        ((3, 12), (2, 36), "Python 3.10"),
        ((3, 14), (2, 41), "Python 3.10 or 3.11-3.13"),
        ((3, 10), (2, 12), "glibc 2.17 or newer"),
        ((3, 11), None, "glibc 2.17 or newer"),
    ],
)
def test_no_fitting_stack_names_the_way_out(python, glibc, advice) -> None:
    checks = check_stacks(python, glibc)
    assert _statuses(checks) == {"TFX 1.16": "fail", "TFX 1.21": "fail"}
    assert {check.advice for check in checks} == {f"make the environment anew with {advice}"}


def test_python_and_glibc_on_their_own() -> None:
    assert check_python((3, 14), (2, 41)).status == "fail"
    assert check_python((3, 12), (2, 36)).status == "ok"
    assert check_glibc(None).status == "fail"
    assert "TFX 1.21 needs 2.39" in check_glibc((2, 36)).advice
    assert check_glibc((2, 41)).advice == ""


def test_glibc_is_that_of_the_running_python() -> None:
    name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    assert name == "glibc"
    assert find_glibc() == tuple(int(part) for part in version.split(".")[:2])


def test_a_missing_package_is_named_with_what_to_do(monkeypatch) -> None:
    def version(name: str) -> str:
        if name == "tfx":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    check = packages.check_packages()[0]
    assert (check.name, check.status, check.found) == ("tfx", "fail", "not installed")
    assert "make setup" in check.advice


def test_a_version_that_does_not_fit_is_named(monkeypatch) -> None:
    requirements = ["numpy<1", "no-such-distribution", "gone; python_version < '3'", "papergarden"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: requirements)
    check = packages.check_requirements()
    assert check.status == "fail"
    assert check.found == (
        f"numpy is {importlib.metadata.version('numpy')}, not <1; no-such-distribution is missing"
    )


@pytest.mark.parametrize("with_init", [True, False])
def test_a_kfp_that_hides_the_sdk_is_found(with_init: bool, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "kfp").mkdir()
    monkeypatch.delitem(sys.modules, "kfp", raising=False)
    if with_init:
        (tmp_path / "kfp" / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
    else:
        monkeypatch.setattr(sys, "path", [str(tmp_path)])
    check = packages.check_kfp_import()
    assert check.status == "fail"
    assert str(tmp_path) in check.found


def test_a_missing_hook_is_a_warning(monkeypatch) -> None:
    monkeypatch.setattr(packages, "HOOK_FILE", "absent.pth")
    check = packages.check_kfp_command()
    assert check.status == "warn"
    assert "papergarden run" in check.advice


def test_bfloat16_is_pointed_out_where_the_cpu_has_it() -> None:
    assert "mixed_bfloat16" in machine.check_vector_units(frozenset({"avx2", "avx512_bf16"})).advice
    assert machine.check_vector_units(frozenset({"avx2"})).advice == ""
    assert machine.check_vector_units(frozenset()).status == "warn"


def test_gpus_are_listed_and_missing_libraries_named(monkeypatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA T4, 15360 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(machine, "find_library", lambda name: None)
    gpu = next(check for check in machine.check_accelerators() if check.name == "gpu")
    assert (gpu.status, gpu.found) == ("warn", "NVIDIA T4, 15360 MiB")
    assert "tensorflow[and-cuda]" in gpu.advice


def test_a_hanging_driver_does_not_hold_it_up(monkeypatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    start = time.monotonic()
    assert "gpu" not in _statuses(machine.check_accelerators())
    assert time.monotonic() - start < 10


def test_little_memory_is_a_warning(monkeypatch) -> None:
    monkeypatch.setattr(machine, "_memory", lambda: (8 * 2**30, 2**30))
    check = machine.check_memory()
    assert (check.status, check.found) == ("warn", "1.0 of 8.0 GiB free")


@pytest.mark.parametrize(("free", "status"), [(2**29, "fail"), (2**31, "warn"), (2**34, "ok")])
def test_disk_space_is_judged(free: int, status: str, monkeypatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda path: usage(2**40, 0, free))
    assert storage.check_disk(tmp_path).status == status


def test_a_root_below_a_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    statuses = _statuses(storage.check_storage(tmp_path / "file" / "runs"))
    assert statuses["root"] == "fail"
    assert "sqlite" not in statuses


def test_a_root_that_cannot_be_written_is_found(monkeypatch, tmp_path: Path) -> None:
    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(storage.tempfile, "TemporaryFile", refuse)
    check = storage.check_writable("root", tmp_path, tmp_path)
    assert check.status == "fail"
    assert "Read-only file system" in check.found


def test_a_file_system_without_locks_is_found(monkeypatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(storage.fcntl, "flock", refuse)
    check = storage.check_database(tmp_path)
    assert (check.name, check.status) == ("sqlite", "fail")
    assert "No locks available" in check.found


def test_table_and_json_hold_the_same() -> None:
    checks = [Check("python", "ok", "3.10"), Check("memory", "warn", "1 GiB", "close something")]
    table = render(checks).splitlines()
    assert table[0].split() == ["ok", "python", "3.10"]
    assert table[2].strip() == "close something"
    assert table[-1] == "0 to mend, 1 to know of, 1 in order"
    assert [Check(**row) for row in json.loads(render(checks, as_json=True))] == checks
