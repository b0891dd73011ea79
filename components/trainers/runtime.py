"""TensorFlow set up so that a run can be repeated bit for bit, and the facts of it written down."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.errors import StackError
from components.trainers.training_config import TrainingConfig


def prepare_runtime(config: TrainingConfig) -> dict[str, Any]:
    """Pins threads, determinism, seeds and GPU memory; call it before any TensorFlow operation.

    Args:
        config: `threads`, `seed`, `precision` and `jit_compile` are read.

    Returns:
        What the numbers of the run depend on, as JSON-able facts.

    Raises:
        StackError: TensorFlow already runs in this process with another number of threads.
    """
    threads = _pin_threads(config.threads or _available_cores())
    for gpu in tf.config.list_physical_devices("GPU"):
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
    # Grappler's arithmetic optimizer rewrites sums in another order in every process: the last bits
    # of losses and second derivatives differ from run to run, whatever the kernels do.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    keras.utils.set_random_seed(config.seed)
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "system": platform.platform(),
        "processor": _processor_name(),
        "cores": _available_cores(),
        "threads": threads,
        "deterministic_ops": True,
        "arithmetic_optimization": False,
        # oneDNN's kernels add up in another order than Eigen's.
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "TensorFlow's default"),
        "precision": config.precision,
        "jit_compile": config.jit_compile,
        "seed": config.seed,
    }


@contextmanager
def dtype_policy(precision: str) -> Iterator[None]:
    """Keras' global dtype policy for the duration of a run."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def device_facts(strategy: tf.distribute.Strategy) -> Mapping[str, Any]:
    """The devices that a strategy trains on, as JSON-able facts."""
    return {
        "strategy": type(strategy).__name__,
        "replicas": strategy.num_replicas_in_sync,
        "devices": [
            tf.config.experimental.get_device_details(device).get("device_name", device.name)
            for kind in ("GPU", "TPU")
            for device in tf.config.list_physical_devices(kind)
        ]
        or [_processor_name()],
    }


def _pin_threads(threads: int) -> int:
    threading = tf.config.threading
    settings = (
        (threading.get_intra_op_parallelism_threads, threading.set_intra_op_parallelism_threads),
        (threading.get_inter_op_parallelism_threads, threading.set_inter_op_parallelism_threads),
    )
    for current, pin in settings:
        try:
            pin(threads)
        except RuntimeError as error:
            # 0 is TensorFlow's "every core": not set, but the same number.
            if (current() or _available_cores()) != threads:
                raise StackError(
                    "TensorFlow already runs in this process with another number of threads",
                    found=current() or _available_cores(),
                    expected=f"{threads} (training.threads)",
                    fix="train in a fresh process, or set training.threads to the number found",
                ) from error
    return threads


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
