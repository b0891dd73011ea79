"""A few records go through an exported detector."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.errors import DataError
from components.example_gens import coco_features as keys
from components.reports.content import PaperInputs
from components.reports.detr_predictions import SHOWN, Predictions, load_predictions
from components.trainers.detr.export import export_detr
from components.trainers.detr.model import build_model
from components.transforms import detr_features as names

DETR_TESTS = Path(__file__).parents[1] / "trainers" / "detr"
MOST = 3
RECORDS = SHOWN + 2


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def picture(number: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(number)
    return random.integers(0, 256, (40 + number, 64 - number, 3), np.uint8)


def record(number: int) -> bytes:
    """Object n of image m is at (n, m); the upper half is a segment, the lower one void."""
    pixels = picture(number)
    count = number % (MOST + 1)
    owners = np.zeros(pixels.shape, np.uint8)
    owners[: len(owners) // 2, :, 0] = 77
    example = tf.train.Example()
    features = example.features.feature
    features[keys.IMAGE_ENCODED].bytes_list.value.append(png(pixels))
    features[keys.IMAGE_NUMBER].int64_list.value.append(500 + number)
    features[keys.PANOPTIC_ENCODED].bytes_list.value.append(png(owners))
    features["labels"].int64_list.value.extend([*range(1, count + 1), *[-1] * (MOST - count)])
    return example.SerializeToString()


def transform_fn(examples: tf.Tensor) -> dict[str, Any]:
    from tiny_detr import images_fn

    parsed = tf.io.parse_example(
        examples,
        {
            keys.IMAGE_ENCODED: tf.io.FixedLenFeature([], tf.string),
            keys.IMAGE_NUMBER: tf.io.FixedLenFeature([], tf.int64),
            keys.PANOPTIC_ENCODED: tf.io.FixedLenFeature([], tf.string),
            "labels": tf.io.FixedLenFeature([MOST], tf.int64),
        },
    )
    labels = parsed["labels"]
    place = tf.cast(labels, tf.float32)
    row = tf.cast(parsed[keys.IMAGE_NUMBER], tf.float32)[:, None] + tf.zeros_like(place)
    images = images_fn(parsed[keys.IMAGE_ENCODED])
    one = tf.ones_like(labels[:, :1])
    return {
        **images,
        names.ORIGINAL_SIZE: images[names.IMAGE_SIZE],
        names.IMAGE_ID: parsed[keys.IMAGE_NUMBER],
        names.TARGET_LABELS: labels,
        names.TARGET_BOXES_XYXY: tf.stack([place, row, place + 5, row + 5], 2),
        names.TARGET_AREA: tf.abs(place),
        names.TARGET_IS_CROWD: tf.cast(labels == 2, tf.int64),
        names.TARGET_PANOPTIC_PNG: parsed[keys.PANOPTIC_ENCODED],
        names.TARGET_SEGMENT_IDS: tf.concat([77 * one, -one], 1),
        names.TARGET_SEGMENT_CATEGORIES: tf.concat([187 * one, -one], 1),
        names.TARGET_SEGMENT_IS_CROWD: tf.concat([0 * one, -one], 1),
    }


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(DETR_TESTS), *sys.path])
        from tiny_detr import images_fn, tiny_network

        model = build_model(tiny_network(masks=True), 3)
        # Sure of everything: so there are segments.
        model.heads.classes.kernel.assign(model.heads.classes.kernel * 200.0)
        nothing = tf.one_hot(model.config.classes, model.config.classes + 1)
        model.heads.classes.bias.assign(-1e4 * nothing)
        folder = str(tmp_path_factory.mktemp("model") / "served")
        export_detr(folder, model=model, images_fn=images_fn, transform_fn=transform_fn)
    return folder


def inputs(directory: Path, count: int, model: str) -> PaperInputs:
    path = str(directory / "records.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for number in range(count):
            writer.write(record(number))
    return PaperInputs({}, (path,), "", model)


@pytest.fixture(scope="module")
def shown(saved_model: str, tmp_path_factory: pytest.TempPathFactory) -> Predictions:
    return load_predictions(inputs(tmp_path_factory.mktemp("records"), RECORDS, saved_model))


def test_the_first_images_are_shown_and_all_are_counted(shown: Predictions) -> None:
    assert [image.number for image in shown.images] == [500 + n for n in range(SHOWN)]
    assert shown.image_numbers == tuple(500 + n for n in range(RECORDS))
    for number, image in enumerate(shown.images):
        np.testing.assert_array_equal(image.pixels, picture(number))


def test_truth_comes_without_padding(shown: Predictions) -> None:
    for number, image in enumerate(shown.images):
        count = number % (MOST + 1)
        assert image.true.labels.tolist() == list(range(1, count + 1))
        assert image.true.is_crowd.tolist() == [label == 2 for label in image.true.labels]
        expected = [[n, 500 + number, n + 5, 505 + number] for n in image.true.labels]
        assert image.true.boxes_xyxy.tolist() == expected
        assert image.true_segments is not None
        assert image.true_segments.ids.tolist() == [77]
        assert (image.true_segments.segment_map[0] == 77).all()


def test_found_is_what_the_model_serves(shown: Predictions, saved_model: str) -> None:
    signatures = tf.saved_model.load(saved_model).signatures
    # `serving_default` answers in pixels of a picture twice as large.
    for number in (0, 5):
        image, encoded = shown.images[number], tf.constant([png(picture(number))])
        served = signatures["serving_default"](images=encoded)
        np.testing.assert_allclose(2 * image.found.boxes_xyxy, served["boxes_xyxy"][0], atol=1e-3)
        np.testing.assert_allclose(image.found.scores, served["scores"][0], atol=1e-6)
        looked = signatures["attention"](images=encoded)["attention"][0]
        np.testing.assert_allclose(image.attention, looked, atol=1e-6)
        assert image.found_segments is not None
        assert image.found_segments.segment_map.shape == image.pixels.shape[:2]
        assert len(image.found_segments.ids) > 0


def test_split_without_records_is_named(tmp_path: Path, saved_model: str) -> None:
    with pytest.raises(DataError, match="no record"):
        load_predictions(inputs(tmp_path, 0, saved_model))


def test_a_model_of_another_paper_is_named(tmp_path: Path) -> None:
    class Other(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"count": tf.size(examples)[None]}

    other = Other()
    folder = str(tmp_path / "model")
    tf.saved_model.save(other, folder, signatures={"evaluate": other.evaluate})
    with pytest.raises(DataError, match="does not show where it looks"):
        load_predictions(inputs(tmp_path, 1, folder))
