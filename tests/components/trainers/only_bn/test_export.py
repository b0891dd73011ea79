"""The SavedModel: probabilities, labels, and the gammas that the report draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.only_bn.disabled_features import disabled_features
from components.trainers.only_bn.export import export_only_bn
from components.trainers.only_bn.model import ResNet, build_model
from components.trainers.only_bn.network_config import NetworkConfig

SIDE, RECORDS = 8, 3


def transform(examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """Raw pixels of three bytes a pixel, and the record's last byte as its label."""
    levels = tf.cast(tf.io.decode_raw(examples, tf.uint8), tf.float32)
    images = tf.reshape(levels[:, :-1] / 128.0 - 1.0, [-1, SIDE, SIDE, 3])
    return {"image": images, "label": tf.cast(levels[:, -1:], tf.int64)}


@pytest.fixture(scope="module")
def model() -> ResNet:
    network = build_model(NetworkConfig(depth=8, width=4, classes=5), seed=1)
    for number, norm in enumerate(network.norms):
        norm.gamma.assign(np.full(norm.gamma.shape, 0.02 * number, np.float32))
    return network


@pytest.fixture(scope="module")
def loaded(model: ResNet, tmp_path_factory: pytest.TempPathFactory) -> tf.Module:
    path: Path = tmp_path_factory.mktemp("model")
    export_only_bn(str(path), model=model, image_size=(SIDE, SIDE), transform_fn=transform)
    return tf.saved_model.load(str(path))


def test_evaluate_gives_what_the_metrics_read(model: ResNet, loaded: tf.Module) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (RECORDS, SIDE * SIDE * 3), np.uint8)
    records = [row.tobytes() + bytes([label]) for label, row in enumerate(pixels)]
    outputs = loaded.signatures["evaluate"](examples=tf.constant(records))
    images = transform(tf.constant(records))["image"]
    np.testing.assert_allclose(outputs["prediction"], tf.nn.softmax(model(images)), atol=1e-6)
    assert outputs["target"].numpy().tolist() == [0, 1, 2]
    assert outputs["target"].dtype == tf.int64
    sizes = [int(norm.gamma.shape[0]) for norm in model.norms]
    share = sizes[0] / sum(sizes)
    np.testing.assert_allclose(outputs["disabled_features"], [share] * RECORDS, rtol=1e-6)


def test_gammas_are_found_in_order_of_depth(model: ResNet, loaded: tf.Module) -> None:
    gammas = [gamma.numpy() for gamma in loaded.gammas]
    assert [len(gamma) for gamma in gammas] == [int(norm.gamma.shape[0]) for norm in model.norms]
    np.testing.assert_allclose([gamma[0] for gamma in gammas], 0.02 * np.arange(len(gammas)))


def test_magnitude_decides_what_is_disabled() -> None:
    share = disabled_features([np.float32([0.5, -0.5, 0.0099]), np.float32([-0.0099, 0.01])])
    assert float(share) == pytest.approx(0.4)
