"""Reads the signals of a SIREN run and what its network makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.evaluate_signature import read_signal
from components.example_gens import signal_features as keys
from components.reports.content import PaperInputs
from components.reports.evaluated_model import EvaluatedModel

Values = NDArray[np.floating[Any]]

#: Frames of a film, or pictures of a set, that a report shows.
SHOWN = 6


@dataclass(frozen=True)
class FittedSignal:
    """A signal and the network's reconstruction.

    Attributes:
        name: Its file.
        prediction: `[height, width, channels]` or `[samples, 1, 1]`, in [-1, 1] but for overshoot.
        target: The same shape, in [-1, 1].
        mask: Inpainting: `[height, width, 1]`, 1 where the pixel was known.
        second: Poisson editing: the other picture, as `target`.
        rate: Audio: samples a second.
        frame: Video: its position in the film, from 0.
    """

    name: str
    prediction: Values
    target: Values
    mask: Values | None = None
    second: Values | None = None
    rate: int = 0
    frame: int = 0


def load_signals(inputs: PaperInputs, task: str) -> list[FittedSignal]:
    """Reads up to `SHOWN` evenly spaced signals and reconstructs them.

    Args:
        inputs: The run.
        task: The configuration's.

    Raises:
        DataError: There is no record, or the model lacks the signature `evaluate`.
    """
    import tensorflow as tf

    records = _spread(_read_records(inputs.example_files), SHOWN)
    if not records:
        raise DataError(
            "The split `eval` holds no record to show",
            found=", ".join(inputs.example_files) or "no file",
            expected="the records that ExampleGen wrote",
        )
    model = EvaluatedModel(inputs.saved_model_dir)
    signals = []
    extra = _extra_output(inputs.transform_dir, task)
    for record in records:
        [outputs] = model.outputs([record])
        prediction, target = read_signal(outputs)
        further = extra(tf.constant([record]))
        signals.append(FittedSignal(_name(record), prediction, target, **further))
    return signals


def _extra_output(transform_dir: str, task: str) -> Callable[[Any], dict[str, Any]]:
    """Returns what gives the further fields of a task's `FittedSignal`, from a batch of one."""
    from components.trainers.transform_graph import TransformGraph
    from components.transforms import siren as transformed

    fields: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
        "inpainting": ("mask", transformed.MASK, np.asarray),
        "poisson_editing": ("second", transformed.SECOND, np.asarray),
        "audio": ("rate", transformed.RATE, lambda values: int(values[0])),
        "video": ("frame", transformed.FRAME, lambda values: int(values[0])),
    }
    if task not in fields:
        return lambda _: {}
    field, output, convert = fields[task]
    graph = TransformGraph(transform_dir, [output])
    return lambda batch: {field: convert(graph.from_serialized(batch)[output][0].numpy())}


def _read_records(files: Sequence[str]) -> list[bytes]:
    from components.example_gens.split_files import read_records

    return list(read_records(files).as_numpy_iterator())


def _spread(records: list[bytes], count: int) -> list[bytes]:
    if len(records) <= count:
        return records
    chosen = np.linspace(0, len(records) - 1, count).round().astype(int)
    return [records[number] for number in chosen]


def _name(record: bytes) -> str:
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    for key in (keys.IMAGE_ID, keys.AUDIO_ID):
        for value in features[key].bytes_list.value if key in features else ():
            return str(value.decode(errors="replace"))
    return ""
