"""Curves and pictures for TensorBoard, without points of steps that were made twice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


class TrainingLogs:
    """Writes TensorBoard events of a run, going on where a checkpoint stands.

    Args:
        directory: Where the event files are.
        resumed_from: Updates made by the checkpoint that the run goes on from; events after it are
            dropped, because their steps will be made again. None drops all events.
    """

    def __init__(self, directory: Path, resumed_from: int | None) -> None:
        for path in sorted(directory.glob("events.out.tfevents.*")):
            if resumed_from is None:
                path.unlink()
            else:
                _drop_events_after(resumed_from, path)
        self._writer = tf.summary.create_file_writer(str(directory))

    def __enter__(self) -> TrainingLogs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(
        self, step: int, scalars: Mapping[str, float], images: Mapping[str, NDArray[Any]]
    ) -> None:
        """Adds points and pictures at `step`; images are `[height, width, channels]` in [0, 1]."""
        with self._writer.as_default(step=step):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)
            for name, image in images.items():
                tf.summary.image(name, image[np.newaxis])

    def flush(self) -> None:
        """Gives everything to the operating system: no kill loses what a checkpoint counts on."""
        self._writer.flush()


def _drop_events_after(step: int, path: Path) -> None:
    # TensorBoard reads every file with `tfevents` in its name, so this one has another.
    kept = path.with_name("unfinished")
    with tf.io.TFRecordWriter(str(kept)) as writer:
        try:
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                if tf.compat.v1.Event.FromString(record).step <= step:
                    writer.write(record)
        except tf.errors.DataLossError:
            pass  # the process was killed while it wrote the last event
    os.replace(kept, path)
