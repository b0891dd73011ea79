"""Runs a compiled pipeline as Kubeflow would: every task a process, dependencies honoured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

_RUN_ID = "{{$.pipeline_job_uuid}}"
_PARAMETER = re.compile(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}")


@dataclass(frozen=True)
class CompiledTask:
    """A task of a compiled pipeline with the values of one run.

    Attributes:
        name: Its name in the specification.
        title: Its name on Kubeflow's page.
        after: The tasks it waits for.
        image: Its container's image.
        command: Command and arguments.
        environment: Variables; those from secrets with the secrets' values.
        retries: How often it may be tried again.
        volumes: Claim -> folder that the container sees it in.
        memory_bytes: What its container may use.
    """

    name: str
    title: str
    after: tuple[str, ...]
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    retries: int
    volumes: Mapping[str, str]
    memory_bytes: int


def read_documents(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pipeline specification, and what each executor asks of Kubernetes."""
    # libyaml's, where it is there: it takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    specification, platform = yaml.load_all(path.read_text(), Loader=loader)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return specification, executors


def read_tasks(
    path: Path, run_id: str, arguments: Mapping[str, str], secrets: Mapping[str, Mapping[str, str]]
) -> list[CompiledTask]:
    """The tasks of a run.

    Args:
        path: The compiled pipeline.
        run_id: What Kubeflow would call the run.
        arguments: Values of parameters; defaults for the rest.
        secrets: Secret -> key -> value.
    """
    specification, pods = read_documents(path)
    inputs = specification["root"]["inputDefinitions"]["parameters"]
    values = {name: one.get("defaultValue") for name, one in inputs.items()}
    unknown = set(arguments) - set(values)
    if unknown:
        raise ValueError(f"the pipeline has no parameters {unknown}")
    values |= arguments
    tasks = []
    for name, task in specification["root"]["dag"]["tasks"].items():
        given = {
            parameter: values[source["componentInputParameter"]]
            for parameter, source in task["inputs"]["parameters"].items()
        }
        label = specification["components"][task["componentRef"]["name"]]["executorLabel"]
        container = specification["deploymentSpec"]["executors"][label]["container"]
        environment = {one["name"]: one["value"] for one in container.get("env", ())}
        for secret in pods[label].get("secretAsEnv", ()):
            for key in secret["keyToEnv"]:
                environment[key["envVar"]] = secrets[secret["secretName"]][key["secretKey"]]
        words = [*container["command"], *container["args"]]
        tasks.append(
            CompiledTask(
                name=name,
                title=task["taskInfo"]["name"],
                after=tuple(task.get("dependentTasks", ())),
                image=container["image"],
                command=tuple(_resolved(word, given, run_id) for word in words),
                environment=environment,
                retries=int(task["retryPolicy"].get("maxRetryCount", 0)),
                volumes={
                    one["constant"]: one["mountPath"] for one in pods[label].get("pvcMount", ())
                },
                # Kubeflow counts in gigabytes.
                memory_bytes=round(container["resources"]["memoryLimit"] * 1e9),
            )
        )
    return tasks


def _resolved(word: str, given: Mapping[str, str], run_id: str) -> str:
    return _PARAMETER.sub(lambda match: given[match[1]], word.replace(_RUN_ID, run_id))


class TaskProcess(Protocol):
    """A task that was started."""

    pid: int
    returncode: int

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def kill(self) -> None: ...


def start_process(task: CompiledTask, log: Path) -> TaskProcess:
    """Starts the compiled command in a process of its own; its output goes to the end of `log`."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, **task.environment, "PATH": path}
    # Compiling what a task imports takes longer than its work: the first tasks do it for all.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with log.open("ab") as output:
        return subprocess.Popen(
            task.command, stdout=output, stderr=subprocess.STDOUT, env=environment
        )


@dataclass
class ProcessRun:
    """A run whose tasks are processes of this machine.

    Attributes:
        log_dir: Gets one log a task.
        start: Starts a task, whose output goes to the end of a file.
        at_once: How many tasks may run at a time.
        exit_codes: Task -> exit codes of its tries.
    """

    log_dir: Path
    start: Callable[[CompiledTask, Path], TaskProcess] = start_process
    at_once: int = 2
    exit_codes: dict[str, list[int]] = field(default_factory=dict)
    _running: dict[str, TaskProcess] = field(default_factory=dict)

    def run(
        self,
        tasks: list[CompiledTask],
        watch: Callable[[str, TaskProcess], None] = lambda name, process: None,
    ) -> None:
        """Runs the tasks; a task that fails is tried again as often as it may be.

        Args:
            tasks: From `read_tasks`.
            watch: Called again and again with each running task.

        Raises:
            RuntimeError: If a task fails for good.
        """
        self.log_dir.mkdir(parents=True, exist_ok=True)
        try:
            while len(self._finished()) < len(tasks):
                for task in tasks:
                    self._start_if_ready(task)
                for name, process in list(self._running.items()):
                    watch(name, process)
                    if process.poll() is not None:
                        del self._running[name]
                        self.exit_codes.setdefault(name, []).append(process.returncode)
                time.sleep(0.05)
        finally:
            for process in self._running.values():
                process.kill()

    def _finished(self) -> set[str]:
        return {name for name, codes in self.exit_codes.items() if codes[-1] == 0}

    def _start_if_ready(self, task: CompiledTask) -> None:
        finished = self._finished()
        full = len(self._running) >= self.at_once
        if full or task.name in finished | set(self._running) or set(task.after) - finished:
            return
        codes = self.exit_codes.get(task.name, [])
        log = self.log_dir / f"{task.name}.log"
        if len(codes) > task.retries:
            raise RuntimeError(f"{task.name} ended with {codes}:\n{log.read_text()[-3000:]}")
        self._running[task.name] = self.start(task, log)
