"""Training runs in children that may be killed, forked from a process that imported TensorFlow.

Importing TensorFlow takes ten seconds, forking none; the parent never executes an operation, which
would make the fork unsafe. Run as a script, this file is that parent.
"""

from __future__ import annotations

import atexit
import functools
import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes:
        exit_code: Of the process; minus the signal that killed it.
        report: What it wrote at its end: history, progress, log, error, …; empty if it was killed.
        weights: The model's and the optimizer's variables; empty unless training ended well.
    """

    exit_code: int
    report: dict[str, Any]
    weights: list[np.ndarray]


def train_in_child(folder: Path, **job: Any) -> Outcome:
    """Trains the tiny task in a child process.

    Args:
        folder: Holds the child's checkpoints (`checkpoints`) and logs (`logs`).
        **job: See `_train`.
    """
    [outcome] = train_workers_in_children(folder, [{}], **job)
    return outcome


def train_workers_in_children(
    folder: Path, workers: list[dict[str, Any]], **job: Any
) -> list[Outcome]:
    """Trains the tiny task in child processes that run at once.

    Args:
        folder: Shared by all.
        workers: What each of them is told beside the job.
        **job: See `_train`.
    """
    prefixes = [f"{rank}-" if rank else "" for rank in range(len(workers))]
    for prefix in prefixes:
        for name in ("report.json", "weights.npz"):
            (folder / f"{prefix}{name}").unlink(missing_ok=True)
    parent = _parent()
    jobs = [
        {"folder": str(folder), "prefix": prefix, **job, **worker}
        for prefix, worker in zip(prefixes, workers, strict=True)
    ]
    parent.stdin.write(json.dumps(jobs) + "\n")
    parent.stdin.flush()
    codes = json.loads(parent.stdout.readline())
    return [_outcome(folder, *found) for found in zip(codes, prefixes, strict=True)]


def _outcome(folder: Path, exit_code: int, prefix: str) -> Outcome:
    report, weights = folder / f"{prefix}report.json", folder / f"{prefix}weights.npz"
    return Outcome(
        exit_code,
        json.loads(report.read_text()) if report.exists() else {},
        list(np.load(weights).values()) if weights.exists() else [],
    )


@functools.cache
def _parent() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)},
    )
    atexit.register(process.stdin.close)
    return process


def _serve() -> None:
    import tiny_task  # noqa: F401

    import components.trainers.run

    del components
    for line in sys.stdin:
        pids = [_fork(job) for job in json.loads(line)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        print(json.dumps(codes), flush=True)


def _fork(job: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _child(**job)
    return pid


def _child(folder: str, prefix: str, **job: Any) -> None:
    folder = Path(folder)
    os.environ.update(job.pop("environment", {}))
    report: dict[str, Any] = {"progress": [], "log": []}
    handler = logging.Handler()
    handler.emit = lambda record: (  # type: ignore[method-assign]
        report["progress"].append(record.progress)
        if hasattr(record, "progress")
        else report["log"].append(record.getMessage())
    )
    for name in ("papergarden.progress", "components"):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    exit_code = 0
    try:
        train = _train_through_run_fn if "custom_config" in job else _train
        report.update(train(folder, prefix, **job))
    except BaseException as error:  # the test judges it
        exit_code = getattr(error, "exit_code", 70)
        report["error"] = {"type": type(error).__name__, "text": str(error)}
        if exit_code == 70:
            traceback.print_exc()
    (folder / f"{prefix}report.json").write_text(json.dumps(report))
    os._exit(exit_code)


def _train(
    folder: Path,
    prefix: str,
    *,
    config: dict[str, Any],
    faults: dict[str, int] | None = None,
    task: dict[str, Any] | None = None,
    identity: str = "same",
    devices: int = 1,
    kill_in_save: int | None = None,
    terminate_after_seconds: float | None = None,
) -> dict[str, Any]:
    """Trains and gives the report.

    Args:
        folder: For checkpoints, logs and weights.
        prefix: Put before the name of the weights' file.
        config: Of `TrainingConfig`.
        faults: Of `Faults`.
        task: Keyword arguments of `TinyTask`.
        identity: Of the run.
        devices: Logical CPU devices to cut the processor into.
        kill_in_save: The process is killed when it publishes the n-th checkpoint.
        terminate_after_seconds: The process gets SIGTERM so long after its start.
    """
    import tensorflow as tf
    from tiny_task import Faults, TinyTask

    from components.trainers.training_config import TrainingConfig
    from components.trainers.training_loop import run_training

    if terminate_after_seconds is not None:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        signal.setitimer(signal.ITIMER_REAL, terminate_after_seconds)
    if devices > 1:
        logical = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], logical
        )
    if kill_in_save is not None:
        _kill_when_publishing(kill_in_save)
    training = TrainingConfig(**config)
    result = run_training(
        lambda: TinyTask(training, Faults(**(faults or {})), **(task or {})),
        training,
        folder / "checkpoints",
        folder / "logs",
        identity=identity,
    )
    variables = [*result.task.model.variables, *result.task.optimizer.variables]
    np.savez(folder / f"{prefix}weights.npz", *[np.asarray(v) for v in variables])
    return {
        "history": result.history,
        "resumed_from": result.resumed_from,
        "seconds": result.seconds,
        "steps_per_second": result.steps_per_second,
        "first_step_seconds": result.first_step_seconds,
        "runtime": dict(result.runtime),
    }


def _train_through_run_fn(
    folder: Path, prefix: str, *, custom_config: dict[str, Any]
) -> dict[str, Any]:
    """Trains the tiny task as the paper `tiny`, the way TFX's Trainer would."""
    import types

    import tensorflow as tf
    from tiny_task import TinyTask

    from components.trainers.run import run_fn

    def build_task(inputs: Any) -> TinyTask:
        return TinyTask(inputs.training, units=inputs.config["units"])

    for name in ("tiny", "tiny.trainer"):
        sys.modules[f"components.trainers.{name}"] = types.ModuleType(name)
    sys.modules["components.trainers.tiny.trainer"].build_task = build_task  # type: ignore[attr-defined]
    run_fn(
        types.SimpleNamespace(
            custom_config=custom_config,
            train_files=[str(folder / "examples/Split-train/*")],
            eval_files=[str(folder / "examples/Split-eval/*")],
            transform_graph_path="transform",
            schema_path=None,
            base_model=None,
            serving_model_dir=str(folder / "model"),
            model_run_dir=str(folder / "model_run"),
        )
    )
    model = tf.saved_model.load(str(folder / "model"))
    values = model.signatures["serving_default"](coordinates=tf.zeros([3, 2]))["values"]
    packages = {"tfx", "apache_beam", "ml_metadata", "kfp", "tensorflow_transform", "pydantic"}
    return {
        "served": list(values.shape),
        "pipeline_packages": sorted(packages & sys.modules.keys()),
    }


def _kill_when_publishing(number: int) -> None:
    rename, calls = os.replace, []

    def replace(source: Path, target: Path) -> None:
        if Path(target).name.startswith("step-"):
            calls.append(target)
            if len(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)

    os.replace = replace


if __name__ == "__main__":
    _serve()
