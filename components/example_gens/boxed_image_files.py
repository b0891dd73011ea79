"""Whether a file of a data set is there, and how large it is."""

from __future__ import annotations

import os

from components.example_gens import file_access


def size_or_absent(path: str) -> int:
    """Bytes of a file; -1 if it is not there, which reading it will explain by name."""
    if file_access.is_remote(path):
        import tensorflow as tf

        try:
            return int(tf.io.gfile.stat(path).length)
        except tf.errors.NotFoundError:
            return -1
    return os.path.getsize(path) if os.path.exists(path) else -1
