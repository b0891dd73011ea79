"""What a classifier makes of the test records, read once and in bounded memory.

Kept are counts, and the few mistakes that are shown; ImageNet's 50,000 pictures pass by.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.classification import read_classification
from components.example_gens import labelled_image_features as keys
from components.reports.content import PaperInputs
from components.reports.evaluated_model import EvaluatedModel

#: Mistakes that a report shows.
SHOWN = 12
_BATCH = 64


@dataclass(frozen=True)
class Mistake:
    """A picture that the network took for something else.

    Attributes:
        encoded: The picture, JPEG or PNG.
        name: Names it within the data set.
        label: Its class, from 0.
        predicted: The class it was taken for.
        probability: What the network gave that class, [0, 1].
    """

    encoded: bytes
    name: str
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class Predictions:
    """A network's answers to all test records.

    Attributes:
        class_names: One a class; the number where no record of the class was there.
        confusion: int64 `[classes, classes]`, records by label (rows) and prediction (columns).
        mistakes: The most confident ones, the most confident first.
        gammas: Of each BatchNorm from input to output, `[channels]`.
        undefined: Records whose probabilities are not numbers; they are not in `confusion`.
    """

    class_names: tuple[str, ...]
    confusion: NDArray[np.int64]
    mistakes: tuple[Mistake, ...]
    gammas: tuple[NDArray[np.float32], ...]
    undefined: int = 0

    @property
    def records(self) -> int:
        """Records that were classified."""
        return int(self.confusion.sum())


def load_predictions(inputs: PaperInputs) -> Predictions:
    """Classifies every record of the split `eval`.

    Args:
        inputs: The run.

    Raises:
        DataError: There is no record, or the model is not one of this paper's.
    """
    model = EvaluatedModel(inputs.saved_model_dir)
    counter = _Counter()
    for records in _batches(inputs):
        for record, outputs in zip(records, model.outputs(records), strict=True):
            counter.add(record, *read_classification(outputs))
    if counter.confusion is None:
        raise DataError(
            "The split `eval` holds no record to show",
            found=", ".join(inputs.example_files) or "no file",
            expected="the records that ExampleGen wrote",
        )
    return counter.predictions(_gammas(model, inputs.saved_model_dir))


class _Counter:
    """Counts answers record by record."""

    def __init__(self) -> None:
        self.confusion: NDArray[np.int64] | None = None
        self._undefined = self._seen = 0
        self._names: dict[int, str] = {}
        # (probability, minus its position, label, predicted, record): a heap, least first.
        self._mistakes: list[tuple[float, int, int, int, bytes]] = []

    def add(self, record: bytes, probabilities: NDArray[Any], label: int) -> None:
        if self.confusion is None:
            self.confusion = np.zeros((probabilities.size,) * 2, np.int64)
        if label not in self._names:
            self._names[label] = _text(record, keys.CLASS_TEXT)
        self._seen += 1
        if not np.all(np.isfinite(probabilities)):
            self._undefined += 1
            return
        predicted = int(np.argmax(probabilities))
        self.confusion[label, predicted] += 1
        if predicted != label:
            mistake = (float(probabilities[predicted]), -self._seen, label, predicted, record)
            add = heapq.heappush if len(self._mistakes) < SHOWN else heapq.heappushpop
            add(self._mistakes, mistake)

    def predictions(self, gammas: tuple[NDArray[np.float32], ...]) -> Predictions:
        confusion = np.zeros((0, 0), np.int64) if self.confusion is None else self.confusion
        return Predictions(
            tuple(self._names.get(label) or str(label) for label in range(len(confusion))),
            confusion,
            tuple(
                Mistake(
                    _bytes(record, keys.IMAGE_ENCODED),
                    _text(record, keys.IMAGE_ID),
                    *(label, predicted, probability),
                )
                for probability, _, label, predicted, record in sorted(self._mistakes, reverse=True)
            ),
            gammas,
            self._undefined,
        )


def _batches(inputs: PaperInputs) -> Iterator[list[bytes]]:
    from components.example_gens.split_files import read_records

    for batch in read_records(inputs.example_files).batch(_BATCH).as_numpy_iterator():
        yield list(batch)


def _gammas(model: EvaluatedModel, saved_model_dir: str) -> tuple[NDArray[np.float32], ...]:
    if not hasattr(model.loaded, "gammas"):
        raise DataError(
            f"the model in {saved_model_dir} does not show its gammas",
            expected="the attribute `gammas`, a list of variables",
            fix="export the model with Papergarden's trainer",
        )
    return tuple(gamma.numpy() for gamma in model.loaded.gammas)


def _bytes(record: bytes, key: str) -> bytes:
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    values = features[key].bytes_list.value if key in features else ()
    return bytes(values[0]) if values else b""


def _text(record: bytes, key: str) -> str:
    return _bytes(record, key).decode(errors="replace")
