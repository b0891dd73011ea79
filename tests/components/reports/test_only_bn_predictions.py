"""Reading a classifier's answers record by record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.errors import DataError
from components.example_gens import labelled_image_features as keys
from components.reports.content import PaperInputs
from components.reports.only_bn_predictions import SHOWN, load_predictions

CLASSES = 4


class Recorded(tf.Module):
    """Gives the logits that stand in the records."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(
            examples,
            {
                "logits": tf.io.FixedLenFeature([CLASSES], tf.float32),
                keys.CLASS_LABEL: tf.io.FixedLenFeature([], tf.int64),
            },
        )
        return {
            "prediction": tf.nn.softmax(parsed["logits"]),
            "target": parsed[keys.CLASS_LABEL],
        }


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("model"))
    module = Recorded(gammas=[tf.Variable([0.5, 0.25]), tf.Variable([0.0])])
    tf.saved_model.save(module, path, signatures={"evaluate": module.evaluate})
    return path


def records(count: int = 200) -> list[tuple[int, np.ndarray]]:
    """(label, logits); every third record is wrong, more surely the later it comes."""
    made = []
    for number in range(count):
        label = number % (CLASSES - 1)
        logits = np.zeros(CLASSES, np.float32)
        answer = (label + 1) % CLASSES if number % 3 == 0 else label
        logits[answer] = 1.0 + 0.01 * number
        made.append((label, logits))
    return made


def inputs(directory: Path, rows: list[tuple[int, np.ndarray]], model: str) -> PaperInputs:
    path = str(directory / "records.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for number, (label, logits) in enumerate(rows):
            example = tf.train.Example()
            features = example.features.feature
            features["logits"].float_list.value.extend(logits)
            features[keys.CLASS_LABEL].int64_list.value.append(label)
            features[keys.CLASS_TEXT].bytes_list.value.append(b"class %d" % label)
            features[keys.IMAGE_ENCODED].bytes_list.value.append(b"picture %d" % number)
            features[keys.IMAGE_ID].bytes_list.value.append(b"id %d" % number)
            writer.write(example.SerializeToString())
    return PaperInputs({}, (path,), "", model)


def test_every_record_is_counted(tmp_path: Path, saved_model: str) -> None:
    rows = records()
    predictions = load_predictions(inputs(tmp_path, rows, saved_model))
    expected = np.zeros((CLASSES, CLASSES), int)
    for label, logits in rows:
        expected[label, np.argmax(logits)] += 1
    assert predictions.confusion.tolist() == expected.tolist()
    assert predictions.records == len(rows)
    # No record of the last class says its name.
    assert predictions.class_names == ("class 0", "class 1", "class 2", "3")
    assert [gamma.tolist() for gamma in predictions.gammas] == [[0.5, 0.25], [0.0]]


def test_the_surest_mistakes_are_kept(tmp_path: Path, saved_model: str) -> None:
    rows = records()
    predictions = load_predictions(inputs(tmp_path, rows, saved_model))
    wrong = [number for number, (label, logits) in enumerate(rows) if np.argmax(logits) != label]
    surest = wrong[-1 : -SHOWN - 1 : -1]
    assert [mistake.name for mistake in predictions.mistakes] == [f"id {n}" for n in surest]
    first = predictions.mistakes[0]
    label, logits = rows[surest[0]]
    assert (first.label, first.predicted) == (label, int(np.argmax(logits)))
    assert first.encoded == b"picture %d" % surest[0]
    assert first.probability == pytest.approx(np.exp(logits.max()) / np.exp(logits).sum(), rel=1e-5)


def test_of_equally_sure_mistakes_the_first_are_kept(tmp_path: Path, saved_model: str) -> None:
    logits = np.float32([0, 1, 0, 0])
    predictions = load_predictions(inputs(tmp_path, [(0, logits)] * 30, saved_model))
    assert [mistake.name for mistake in predictions.mistakes] == [f"id {n}" for n in range(SHOWN)]


def test_records_without_numbers_are_counted_apart(tmp_path: Path, saved_model: str) -> None:
    rows = [(0, np.float32([5, 0, 0, 0])), (1, np.full(CLASSES, np.nan, np.float32))]
    predictions = load_predictions(inputs(tmp_path, rows, saved_model))
    assert (predictions.records, predictions.undefined, predictions.mistakes) == (1, 1, ())


def test_split_without_records_is_named(tmp_path: Path, saved_model: str) -> None:
    with pytest.raises(DataError, match="no record"):
        load_predictions(inputs(tmp_path, [], saved_model))


def test_label_that_the_model_does_not_know_is_named(tmp_path: Path, saved_model: str) -> None:
    rows = [(7, np.zeros(CLASSES, np.float32))]
    with pytest.raises(DataError, match="label is none of the model's classes"):
        load_predictions(inputs(tmp_path, rows, saved_model))


def test_model_without_gammas_is_named(tmp_path: Path) -> None:
    module = Recorded()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={"evaluate": module.evaluate})
    with pytest.raises(DataError, match="gammas"):
        load_predictions(inputs(tmp_path, records(1), str(tmp_path / "m")))
