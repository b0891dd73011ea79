"""Checkpoints that are whole or absent, and never mistaken for another run's.

The rules of resuming:

1. A checkpoint is a folder `step-NNNNNNNN` with the variables, the curves up to that step, and a
   manifest of the sizes and SHA-256 sums of both. It is written beside its place, synced to the
   disk and renamed: a kill leaves the earlier checkpoints and perhaps a folder that is swept at the
   next start.
2. A run goes on from the newest checkpoint whose files agree with their manifest. Damaged ones are
   reported, passed over and removed, so that they take no place among those that are kept.
3. The manifest carries the identity of the run (configuration, data, code). A checkpoint of another
   identity is refused, not passed over.
4. Nothing that is not finite is saved.
5. The checkpoints are removed only by `remove_checkpoints`, once the model is exported.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.errors import TrainingError
from components.trainers.nan_guard import check_variables

logger = logging.getLogger(__name__)

_STEP = "step-"
_UNFINISHED = ".saving-"
_MANIFEST = "manifest.json"
_HISTORY = "history.json"
_VARIABLES = "variables"

HistoryRow = dict[str, float]


@dataclass(frozen=True)
class Restored:
    """Where a resumed run goes on: updates already made, and the curves up to there."""

    step: int
    history: list[HistoryRow]


class _Damaged(Exception):
    """A checkpoint's files are not what its manifest says."""


class Checkpoints:
    """The checkpoints of one run in one folder.

    Args:
        directory: Folder of this run alone, on a local or mounted file system.
        items: The task's `checkpoint_items`, with all their variables created.
        identity: Hash of everything that the weights depend on.
        keep: How many of the newest to keep.
        publishes: False in the workers that take part in saving without keeping the result.
    """

    def __init__(
        self,
        directory: Path,
        items: Mapping[str, Any],
        *,
        identity: str,
        keep: int,
        publishes: bool = True,
    ) -> None:
        self._directory = directory
        # Keras keeps the state of random layers (Dropout) where tf.train.Checkpoint does not look.
        self._state = tf.train.Checkpoint(**items, unreachable=_unreachable_variables(items))
        self._num_variables = len(_variables(self._state))
        self._identity = identity
        self._keep = keep
        self._publishes = publishes
        self._newest: int | None = None

    def restore(self) -> Restored | None:
        """Fills the variables from the newest intact checkpoint.

        Returns:
            Where to go on, or None when there is no intact checkpoint.

        Raises:
            TrainingError: A checkpoint belongs to another run, or does not fit the model.
        """
        if self._publishes:
            for leftover in self._directory.glob(_UNFINISHED + "*"):
                shutil.rmtree(leftover)
        for path in reversed(self._published()):
            try:
                step = _verify(path, self._identity)
            except _Damaged as damage:
                logger.warning("passing over the damaged checkpoint %s: %s", path, damage)
                if self._publishes:
                    shutil.rmtree(path)
                continue
            self._read(path)
            self._newest = step
            return Restored(step, json.loads((path / _HISTORY).read_text()))
        return None

    def save(self, step: int, history: Sequence[HistoryRow]) -> None:
        """Writes the state after `step` updates; nothing to do if that is already saved.

        Raises:
            TrainingError: The state is not finite, not complete, or cannot be written.
        """
        if step == self._newest:
            return
        self._check_complete(step)
        temporary: Path | None = None
        try:
            temporary = self._make_temporary()
            self._write(temporary, step, history)
            if self._publishes:
                os.replace(temporary, self._directory / f"{_STEP}{step:08d}")
                _sync(self._directory)
        except (OSError, tf.errors.OpError) as error:
            raise TrainingError(
                f"the checkpoint of step {step} cannot be written to {self._directory}",
                found=f"{str(error).splitlines()[0]} ({_free_bytes(self._directory):,} bytes free)",
                expected=f"{self._num_bytes():,} bytes free",
                fix="make room on that disk and run again: earlier checkpoints are intact",
            ) from error
        finally:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
        self._newest = step
        if self._publishes:
            for old in self._published()[: -self._keep]:
                shutil.rmtree(old)

    def _make_temporary(self) -> Path:
        if not self._publishes:
            return Path(tempfile.mkdtemp(prefix=_UNFINISHED))
        self._directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._directory))

    def _published(self) -> list[Path]:
        return sorted(self._directory.glob(_STEP + "*"))

    def _check_complete(self, step: int) -> None:
        variables = _variables(self._state)
        if len(variables) != self._num_variables:
            raise TrainingError(
                "the task made variables after it was built, which a resumed run could not fill",
                found=f"{len(variables)} variables",
                expected=f"the {self._num_variables} of the start",
                fix="build models and optimizers in the task's constructor",
            )
        check_variables(step, variables)

    def _write(self, directory: Path, step: int, history: Sequence[HistoryRow]) -> None:
        self._state.write(str(directory / _VARIABLES))
        (directory / _HISTORY).write_text(json.dumps(list(history)))
        files = {path.name: _fingerprint(path) for path in directory.iterdir() if path.is_file()}
        manifest = {"identity": self._identity, "step": step, "files": files}
        (directory / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        for path in [*directory.iterdir(), directory]:
            _sync(path)

    def _read(self, path: Path) -> None:
        try:
            self._state.read(str(path / _VARIABLES)).assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise TrainingError(
                f"the checkpoint {path} does not fit the model",
                found=str(error).splitlines()[0],
                expected="the variables of the model it was written from",
                fix=f"remove {path.parent} to start again",
            ) from error

    def _num_bytes(self) -> int:
        return sum(
            math.prod(variable.shape) * tf.as_dtype(variable.dtype).size
            for variable in _variables(self._state)
        )


def remove_checkpoints(directory: Path) -> None:
    """Removes a run's folder, once its model is exported."""
    shutil.rmtree(directory)


def _variables(state: tf.train.Checkpoint) -> list[Any]:
    """Keras' and TensorFlow's variables below a checkpoint; they share no base class."""
    return [
        node
        for node in tf.train.TrackableView(state).descendants()
        if hasattr(node, "shape") and hasattr(node, "dtype")
    ]


def _unreachable_variables(items: Mapping[str, Any]) -> list[Any]:
    reachable = {id(variable) for variable in _variables(tf.train.Checkpoint(**items))}
    return [
        variable
        for item in items.values()
        for variable in getattr(item, "variables", ())
        if id(variable) not in reachable
    ]


def _verify(path: Path, identity: str) -> int:
    """The step of a checkpoint whose files are intact and whose identity is ours."""
    try:
        manifest = json.loads((path / _MANIFEST).read_text())
        step, found, files = manifest["step"], manifest["identity"], manifest["files"]
        changed = [name for name, mark in files.items() if _fingerprint(path / name) != mark]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _Damaged(str(error)) from error
    if changed or path.name != f"{_STEP}{step:08d}" or _HISTORY not in files:
        raise _Damaged(f"changed since it was written: {', '.join(changed) or _MANIFEST}")
    if found != identity:
        raise TrainingError(
            f"the checkpoint {path} belongs to another run",
            found=f"identity {found}",
            expected=f"identity {identity}",
            fix="give every configuration, data set and code version its own checkpoint folder",
        )
    return int(step)


def _fingerprint(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _free_bytes(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
