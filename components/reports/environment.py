"""Versions and hardware that a run's numbers depend on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "papergarden",
    "tensorflow",
    "keras",
    "tfx",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "apache-beam",
    "ml-metadata",
    "numpy",
)

_GIB = 1024**3


def collect_environment(training: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Returns what a reader needs to repeat the run, name -> value, in the order to show.

    Args:
        training: What the Trainer wrote of its own process (`training.json`); its hardware, threads
            and speed count, for the report may be made elsewhere.
    """
    training = training or {}
    runtime = _mapping(training.get("runtime"))
    facts = {
        "Processor": str(runtime.get("processor") or processor_name()),
        "Cores": str(runtime.get("cores") or available_cores()),
        "Threads": _text(runtime.get("threads")),
        "Memory": memory_size(),
        "Devices": ", ".join(str(one) for one in runtime.get("devices", ())) or accelerators(),
        "Strategy": _text(runtime.get("strategy")),
        "Precision": _text(runtime.get("precision")),
        "XLA": _switch(runtime.get("jit_compile")),
        "Speed": _speed(training.get("steps_per_second")),
        "Training time": _seconds(training.get("seconds")),
        "Resumed from step": _text(training.get("resumed_from")),
        "System": str(runtime.get("system") or platform.platform()),
        "Python": platform.python_version(),
        **package_versions(),
    }
    return {name: value for name, value in facts.items() if value}


def package_versions() -> dict[str, str]:
    """Returns the installed versions of what the numbers depend on, without importing it."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def processor_name() -> str:
    """Returns the processor's name as Linux tells it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def available_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_size() -> str:
    """Returns the memory in GiB; empty where the system does not tell."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return ""
    return f"{size / _GIB:.0f} GiB"


def accelerators() -> str:
    """Returns the GPUs and TPUs that TensorFlow sees, if it is loaded; empty otherwise."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return ""
    devices = tensorflow.config.list_physical_devices()
    found = [device.name for device in devices if device.device_type != "CPU"]
    return ", ".join(found) or "CPU only"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _switch(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else ""


def _speed(value: Any) -> str:
    return f"{value:.3g} steps/s" if isinstance(value, int | float) and value else ""


def _seconds(value: Any) -> str:
    return f"{value:.1f} s" if isinstance(value, int | float) and value else ""
