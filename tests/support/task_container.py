"""Tasks of a compiled pipeline as containers of docker, podman and their like.

`scripts/test_containers.sh` finds or makes an engine and an image and tells of both in variables.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compiled_run import CompiledTask

VARIABLES = ("CONTAINER_ENGINE", "CONTAINER_IMAGE", "CONTAINER_OPTIONS", "CONTAINERS_DIR")


@dataclass(frozen=True)
class ContainerEngine:
    """An engine, and an image that it has.

    Attributes:
        command: The engine's command.
        image: The image of every task.
        options: What `run` needs to be told for that image.
        volumes: Where claims are folders of this machine.
    """

    command: str
    image: str
    options: tuple[str, ...]
    volumes: Path

    @classmethod
    def from_variables(cls, environment: Mapping[str, str]) -> ContainerEngine:
        """What `scripts/test_containers.sh` found or made."""
        command, image, options, folder = (environment[name] for name in VARIABLES)
        return cls(command, image, tuple(shlex.split(options)), Path(folder) / "volumes")

    def claim(self, name: str) -> Path:
        """A claim's folder."""
        return self.volumes / name

    def provide_empty(self, name: str) -> Path:
        """An empty volume that any user may write to, as clusters on one machine make it."""
        self.volumes.mkdir(parents=True, exist_ok=True)
        # What containers wrote belongs to their user.
        self.check("rm", "-rf", f"/volumes/{name}", user="0", mount=(self.volumes, "/volumes"))
        folder = self.claim(name)
        folder.mkdir()
        folder.chmod(0o777)
        return folder

    def start(self, task: CompiledTask, log: Path) -> subprocess.Popen[bytes]:
        """Starts a task in a container; the process ends with the container's exit code.

        The container has the image's environment and the task's and nothing of this machine's, the
        memory that the task may use, no network, and of this machine's files the task's volumes.
        """
        words = [self.command, "run", "--rm", "--name", self._name(task.name), "--network", "none"]
        words += ["--memory", str(task.memory_bytes), *self.options]
        for name, value in task.environment.items():
            words += ["--env", f"{name}={value}"]
        for claim, mount_path in task.volumes.items():
            words += ["--volume", f"{self.claim(claim)}:{mount_path}"]
        with log.open("ab") as output:
            return subprocess.Popen(
                [*words, task.image, *task.command], stdout=output, stderr=subprocess.STDOUT
            )

    def stop(self, task: str) -> None:
        """Ends a task as Kubernetes does: SIGTERM to its first process, 30 seconds, SIGKILL."""
        self._run("stop", "-t", "30", self._name(task))

    def remove(self, task: str) -> None:
        """Ends a task's container if there is one."""
        self._run("rm", "--force", self._name(task), expect_success=False)

    def check(
        self, *command: str, user: str | None = None, mount: tuple[Path, str] | None = None
    ) -> str:
        """Runs a command in a container of the image; gives what it prints.

        Raises:
            RuntimeError: If it fails.
        """
        words = ["run", "--rm", "--network", "none", *self.options]
        if user is not None:
            words += ["--user", user]
        if mount is not None:
            words += ["--volume", f"{mount[0]}:{mount[1]}"]
        return self._run(*words, self.image, *command)

    def _run(self, *words: str, expect_success: bool = True) -> str:
        done = subprocess.run(
            [self.command, *words], capture_output=True, text=True, timeout=120, check=False
        )
        if expect_success and done.returncode:
            raise RuntimeError(f"{shlex.join(words)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def _name(self, task: str) -> str:
        return f"papergarden-{os.getpid()}-{task}"
