"""Reading the real pictures that samples are held against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.errors import DataError
from components.evaluators.feature_network import load_feature_network
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens import boxed_image_features as keys
from components.reports.content import PaperInputs
from components.reports.finegan_neighbours import load_real_pictures
from components.transforms.finegan import AUGMENTED_OBJECT_VIEW, OBJECT_VIEW

RECORDS, SIDE = 300, 16
SETTINGS = {"feature_network": "random_convolutions", "random_seed": 3}


def levels(views: np.ndarray) -> np.ndarray:
    return np.round((views + 1) * 127.5).astype(np.uint8)


@pytest.fixture
def inputs(tmp_path: Path) -> PaperInputs:
    """A run whose split has two files of records that hold nothing but their names."""
    paths = []
    for part in range(2):
        paths.append(str(tmp_path / f"part-{part}.gz"))
        with tf.io.TFRecordWriter(paths[-1], "GZIP") as writer:
            for number in range(RECORDS // 2):
                name = f"00{part}.Class/{number}.jpg".encode()
                feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[name]))
                features = tf.train.Features(feature={keys.IMAGE_ID: feature})
                writer.write(tf.train.Example(features=features).SerializeToString())
    return PaperInputs({"generated_images": SETTINGS}, tuple(paths), "transform", "")


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """What Transform gives for the records, in place of its graph."""
    plain = np.random.default_rng(0).uniform(-1, 1, (RECORDS, SIDE, SIDE, 3)).astype(np.float32)
    outputs = {OBJECT_VIEW: plain, AUGMENTED_OBJECT_VIEW: plain[:, :, ::-1] * 0.5}

    def read_examples(
        files: tuple[str, ...], transform_dir: str, wanted: set[str], batch_size: int
    ) -> tf.data.Dataset:
        assert len(files) == 2 and transform_dir == "transform"
        chosen = {name: outputs[name] for name in wanted}
        return tf.data.Dataset.from_tensor_slices(chosen).batch(batch_size)

    monkeypatch.setattr("components.trainers.transform_graph.read_examples", read_examples)
    return outputs


def test_split_is_read_through_the_configured_network(
    inputs: PaperInputs, views: dict[str, np.ndarray]
) -> None:
    real = levels(views[OBJECT_VIEW])
    found = load_real_pictures(inputs, real[[269, 2]]).neighbours
    assert found.num_real == RECORDS
    assert found.records.shape == (2, 4)
    assert found.records[:, 0].tolist() == [269, 2]
    np.testing.assert_array_equal(found.pixels[:, 0], real[[269, 2]])
    features, _ = load_feature_network(GeneratedImagesConfig(**SETTINGS)).compute(real)
    to_all = np.linalg.norm(features - features[269], axis=1)
    assert 0 < found.distances[0, 1] <= np.sort(to_all)[1] + 1e-4


def test_distance_of_a_copy_is_that_of_training_views(
    inputs: PaperInputs, views: dict[str, np.ndarray]
) -> None:
    compute = load_feature_network(GeneratedImagesConfig(**SETTINGS)).compute
    first = slice(256)  # four batches
    plain, _ = compute(levels(views[OBJECT_VIEW])[first])
    trained = levels(views[AUGMENTED_OBJECT_VIEW])[first]
    apart = [
        np.linalg.norm(compute(one)[0] - plain, axis=1) for one in (trained, trained[:, :, ::-1])
    ]
    found = load_real_pictures(inputs, levels(views[OBJECT_VIEW])[:1])
    assert found.copied == pytest.approx(np.median(np.minimum(*apart)), rel=1e-4)


def test_names_are_in_the_order_of_the_records(
    inputs: PaperInputs, views: dict[str, np.ndarray]
) -> None:
    names = load_real_pictures(inputs, levels(views[OBJECT_VIEW])[:1]).names
    assert len(names) == RECORDS
    assert (names[149], names[150]) == ("000.Class/149.jpg", "001.Class/0.jpg")


def test_split_without_records_is_named(inputs: PaperInputs, views: dict[str, np.ndarray]) -> None:
    picture = levels(views[OBJECT_VIEW])[:1]
    views[OBJECT_VIEW] = views[OBJECT_VIEW][:0]
    with pytest.raises(DataError, match="no record"):
        load_real_pictures(inputs, picture)
