"""Listing and copying a model's files, on a disk or in an object store.

TensorFlow is imported where an object store needs it: a push on one machine goes without.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from components.errors import RunError

SAVED_MODEL_FILE = "saved_model.pb"


def is_local(path: str) -> bool:
    """Whether the path is one of this machine's file systems, not `gs://` and the like."""
    return "://" not in path


def list_model_files(directory: str) -> dict[str, int]:
    """Path below the directory -> size in bytes, `saved_model.pb` last.

    The order is the order to copy in: TF Serving and others take `saved_model.pb` as the sign that
    a model is there.

    Raises:
        RunError: If there is no SavedModel in the directory.
    """
    sizes = _local_sizes(directory) if is_local(directory) else _remote_sizes(directory)
    if SAVED_MODEL_FILE not in sizes:
        raise RunError(
            "there is no SavedModel to push",
            found=directory,
            expected=f"a directory with {SAVED_MODEL_FILE}",
            fix="train again; the model's directory was deleted or never finished",
        )
    names = sorted(sizes, key=lambda name: (name == SAVED_MODEL_FILE, name))
    return {name: sizes[name] for name in names}


def copy_model_file(source: str, destination: str) -> None:
    """Copies one file and its bytes alone; a local copy is on the disk when this returns."""
    if is_local(source) and is_local(destination):
        os.makedirs(os.path.dirname(destination), exist_ok=True)
        with open(source, "rb") as reader, open(destination, "wb") as writer:
            shutil.copyfileobj(reader, writer, length=1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        return
    import tensorflow as tf

    tf.io.gfile.makedirs(os.path.dirname(destination))
    tf.io.gfile.copy(source, destination, overwrite=True)


def _local_sizes(directory: str) -> dict[str, int]:
    root = Path(directory)
    return {
        path.relative_to(root).as_posix(): path.stat().st_size
        for path in root.rglob("*")
        if path.is_file()
    }


def _remote_sizes(directory: str) -> dict[str, int]:
    import tensorflow as tf

    gfile = tf.io.gfile
    root = directory.rstrip("/")
    if not gfile.exists(root):
        return {}
    sizes = {}
    for folder, _, names in gfile.walk(root):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            sizes[path.removeprefix(f"{root}/")] = int(gfile.stat(path).length)
    return sizes
