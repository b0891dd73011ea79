"""The real pictures nearest to generated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.errors import DataError
from components.evaluators.feature_network import load_feature_network
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens import boxed_image_features as keys
from components.reports.content import PaperInputs
from components.reports.finegan_neighbours import (
    Neighbours,
    load_neighbours,
    nearest_real,
    record_names,
)
from components.transforms.finegan import OBJECT_VIEW

Pixels = np.ndarray[Any, Any]


def pictures(count: int, seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)


def flat(levels: Pixels) -> Pixels:
    """Features whose squares are large beside their differences, in a network's precision."""
    return levels.reshape(len(levels), -1).astype(np.float32) + 5000


def found(generated: Pixels, real: Pixels, batch: int, nearest: int = 4) -> Neighbours:
    batches = [real[first : first + batch] for first in range(0, len(real), batch)]
    result = nearest_real(generated, batches, flat, nearest)
    assert result is not None
    return result


def all_distances(one: Pixels, other: Pixels) -> Pixels:
    difference = flat(one)[:, np.newaxis] - flat(other)[np.newaxis]
    return np.sqrt((difference.astype(np.float64) ** 2).sum(axis=2))


@pytest.mark.parametrize("batch", [1, 7, 23, 100])
def test_nearest_of_all_are_found_whatever_the_batch(batch: int) -> None:
    generated, real = pictures(5, 1), pictures(23, 2)
    expected = all_distances(generated, real)
    order = np.argsort(expected, axis=1)[:, :4]
    result = found(generated, real, batch)
    np.testing.assert_array_equal(result.records, order)
    np.testing.assert_allclose(
        result.distances, np.take_along_axis(expected, order, 1), rtol=1e-9, atol=0
    )
    np.testing.assert_array_equal(result.pixels, real[order])
    assert result.num_real == 23


def test_typical_distance_is_the_median_to_the_nearest_other() -> None:
    real = pictures(600, 3)  # more than are compared at a time
    between = all_distances(real, real)
    np.fill_diagonal(between, np.inf)
    typical = np.median(between.min(axis=1))
    result = found(real[:2], real, 64)
    assert result.typical == pytest.approx(typical, rel=1e-9)
    np.testing.assert_allclose(result.relative, result.distances / typical)


def test_copy_is_at_no_distance() -> None:
    generated, real = pictures(3, 4), pictures(40, 5)
    real[17] = generated[1]
    result = found(generated, real, 8)
    assert result.records[1, 0] == 17
    assert result.relative[1, 0] < 1e-4
    assert result.relative[[0, 2], 0].min() > 0.5


def test_of_equally_near_ones_the_earlier_comes_first() -> None:
    real = np.repeat(pictures(1, 6), 9, axis=0)
    assert found(pictures(1, 7), real, 4).records.tolist() == [[0, 1, 2, 3]]


def test_fewer_real_pictures_than_asked_for_are_all_shown() -> None:
    result = found(pictures(2, 1), pictures(3, 2), 2)
    assert result.records.shape == result.distances.shape == result.pixels.shape[:2] == (2, 3)


@pytest.mark.parametrize("real", [pictures(1, 2), np.repeat(pictures(1, 2), 5, axis=0)])
def test_without_a_typical_distance_distances_stay_as_they_are(real: Pixels) -> None:
    result = found(pictures(2, 1), real, 2)
    assert not result.typical > 0
    np.testing.assert_array_equal(result.relative, result.distances)
    assert result.distances.min() > 0


def test_split_is_read_through_the_configured_network(monkeypatch: pytest.MonkeyPatch) -> None:
    views = np.random.default_rng(0).uniform(-1, 1, (70, 16, 16, 3)).astype(np.float32)
    asked: list[Any] = []

    def read_examples(*arguments: Any) -> tf.data.Dataset:
        asked.append(arguments)
        return tf.data.Dataset.from_tensor_slices({OBJECT_VIEW: views}).batch(arguments[-1])

    monkeypatch.setattr("components.trainers.transform_graph.read_examples", read_examples)
    settings = {"feature_network": "random_convolutions", "random_seed": 3}
    inputs = PaperInputs({"generated_images": settings}, ("a", "b"), "transform", "")
    levels = np.round((views[[69, 2]] + 1) * 127.5).astype(np.uint8)
    result = load_neighbours(inputs, levels)
    assert asked[0][:3] == (("a", "b"), "transform", {OBJECT_VIEW})
    assert result.num_real == 70
    assert result.records[:, 0].tolist() == [69, 2]
    np.testing.assert_array_equal(result.pixels[:, 0], levels)
    network = load_feature_network(GeneratedImagesConfig(**settings))
    features, _ = network.compute(np.round((views + 1) * 127.5).astype(np.uint8))
    far = np.linalg.norm(features[result.records[0]] - features[69], axis=1)
    np.testing.assert_allclose(result.distances[0], far, rtol=1e-3, atol=1e-4)


def test_split_without_records_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tf.data.Dataset.from_tensor_slices({OBJECT_VIEW: np.zeros((0, 4, 4, 3), np.float32)})
    monkeypatch.setattr(
        "components.trainers.transform_graph.read_examples", lambda *_: empty.batch(2)
    )
    with pytest.raises(DataError, match="no record"):
        load_neighbours(PaperInputs({}, ("a.gz",), "", ""), pictures(1, 1))


def test_names_are_read_in_the_order_of_the_records(tmp_path: Path) -> None:
    paths = []
    for part in range(2):
        paths.append(str(tmp_path / f"part-{part}.gz"))
        with tf.io.TFRecordWriter(paths[-1], "GZIP") as writer:
            for number in range(300):
                name = f"00{part}.Shape/{number}.jpg".encode()
                feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[name]))
                features = tf.train.Features(feature={keys.IMAGE_ID: feature})
                writer.write(tf.train.Example(features=features).SerializeToString())
    names = record_names(PaperInputs({}, tuple(paths), "", ""))
    assert len(names) == 600
    assert (names[299], names[300]) == ("000.Shape/299.jpg", "001.Shape/0.jpg")
