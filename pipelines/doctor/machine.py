"""What the machine offers: accelerators, cores, memory."""

from __future__ import annotations

import os
import shutil
import subprocess
from ctypes.util import find_library
from pathlib import Path

from pipelines.doctor.check import Check
from pipelines.doctor.packages import installed_version

GIBIBYTE = 2**30
# A `sample` run with TFX imported in its nodes; below it the kernel starts to kill them.
LEAST_MEMORY = 4 * GIBIBYTE
# Vector units worth naming: the first two decide whether TensorFlow is fast, the last two bfloat16.
VECTOR_UNITS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def check_accelerators() -> list[Check]:
    """GPU, TPU and the vector units of the CPU; a CPU alone is fine."""
    checks = [check_vector_units(_cpu_flags())]
    gpus = _list_gpus()
    if gpus:
        checks.append(_check_gpus(gpus))
    tpus = sorted(str(path) for path in Path("/dev").glob("accel*")) or _tpu_name()
    if tpus:
        advice = "set trainer.strategy=tpu to train on it"
        checks.append(Check("tpu", "ok", ", ".join(tpus), advice))
    if not gpus and not tpus:
        checks.append(Check("accelerator", "ok", "none: training runs on the CPU"))
    return checks


def check_vector_units(flags: frozenset[str]) -> Check:
    """The CPU's vector units, from the flags of `/proc/cpuinfo`."""
    units = [unit for unit in VECTOR_UNITS if unit in flags]
    found = ", ".join(units) or "none known"
    if {"avx512_bf16", "amx_bf16"} & flags:
        advice = "training.precision=mixed_bfloat16 can pay on this CPU"
        return Check("vector units", "ok", found, advice)
    if "avx2" not in flags:
        return Check("vector units", "warn", found, "TensorFlow will be several times slower")
    return Check("vector units", "ok", found)


def check_cores() -> Check:
    """The cores this process may use."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return Check("cores", "warn", "1", "independent nodes will wait for each other")
    return Check("cores", "ok", str(cores))


def check_memory() -> Check:
    """Memory that the machine and its control group leave."""
    total, available = _memory()
    limit = _memory_limit()
    total = min(total, limit or total)
    available = min(available, total)
    found = f"{available / GIBIBYTE:.1f} of {total / GIBIBYTE:.1f} GiB free"
    if available < LEAST_MEMORY:
        advice = f"a run takes up to {LEAST_MEMORY // GIBIBYTE} GiB: close other programs"
        return Check("memory", "warn", found, advice)
    return Check("memory", "ok", found)


def _check_gpus(gpus: list[str]) -> Check:
    found = ", ".join(gpus)
    if installed_version("nvidia-cudnn-cu12") is None and find_library("cudnn") is None:
        version = installed_version("tensorflow")
        advice = f"TensorFlow lacks CUDA's libraries: pip install 'tensorflow[and-cuda]=={version}'"
        return Check("gpu", "warn", found, advice)
    return Check("gpu", "ok", found)


def _list_gpus() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        done = subprocess.run(query, capture_output=True, text=True, timeout=1, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.strip().splitlines()


def _tpu_name() -> list[str]:
    return [name for name in (os.environ.get("TPU_NAME"),) if name]


def _cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((x.split(":")[1] for x in lines if x.startswith("flags")), "").split())


def _memory() -> tuple[int, int]:
    lines = Path("/proc/meminfo").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return sizes["MemTotal"], sizes["MemAvailable"]


def _memory_limit() -> int | None:
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return int(Path(path).read_text())
        except (OSError, ValueError):
            continue
    return None
