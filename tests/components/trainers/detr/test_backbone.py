from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny_detr import padded_images, tiny_network

from components.trainers.detr.backbone import Backbone, NormedConvolution
from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.model import build_model, count_parameters
from components.trainers.detr.network_config import NetworkConfig


def backbone(**changes: object) -> Backbone:
    return Backbone(tiny_network(**changes), InitialValues(0))


@pytest.mark.parametrize("size", [(64, 96), (33, 70), (1, 50)])
def test_sizes_are_halved_and_rounded_up(size: tuple[int, int]) -> None:
    features = backbone()(padded_images([size])[0])
    for level, stride in zip(features, (4, 8, 16, 32), strict=True):
        assert level.shape[1:3] == tuple(-(-side // stride) for side in size)


@pytest.mark.parametrize("size", [(64, 96), (70, 57)])
def test_every_second_feature_of_dc5_is_that_of_the_plain_network(size: tuple[int, int]) -> None:
    images = padded_images([size])[0]
    blocks = (1, 1, 1, 3)
    plain = backbone(backbone_blocks=blocks)(images)[-1]
    dilated = backbone(backbone_blocks=blocks, dc5=True)(images)[-1]
    np.testing.assert_allclose(dilated[:, ::2, ::2], plain, rtol=1e-4, atol=1e-6)


def test_frozen_norms_act_behind_the_convolution() -> None:
    layer = NormedConvolution((3, 5, 4), InitialValues(0), stride=2)
    generator = np.random.default_rng(1)
    norm = {name: generator.uniform(0.5, 2.0, 4) for name in ("gamma", "beta", "mean", "variance")}
    for name, values in norm.items():
        getattr(layer, name).assign(values)
    features = generator.standard_normal((1, 9, 8, 5), np.float32)
    padded = np.pad(features, [(0, 0), (1, 1), (1, 1), (0, 0)])
    plain = tf.nn.conv2d(padded, layer.kernel.value, 2, "VALID")
    expected = (plain - norm["mean"]) / np.sqrt(norm["variance"] + 1e-5)
    expected = expected * norm["gamma"] + norm["beta"]
    np.testing.assert_allclose(layer(features), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("first", "norms", "expected"),
    [
        (2, False, 12),
        (0, False, 17),
        (5, False, 0),
        (2, True, 36),
    ],
)
def test_what_trains_of_the_backbone(first: int, norms: bool, expected: int) -> None:
    trained = backbone(first_trained_segment=first, norms_trained=norms).trainable_variables
    assert len(trained) == expected


def test_features_of_a_random_network_do_not_grow_with_its_depth() -> None:
    images = padded_images([(64, 64)])[0]
    deep = backbone(backbone_blocks=(3, 4, 6, 3), backbone_channels=8)(images)
    assert float(tf.math.reduce_std(deep[-1])) < 4 * float(tf.math.reduce_std(deep[0]))


@pytest.mark.parametrize(
    ("config", "everything", "trained"),
    [
        (NetworkConfig(masks=True, classes=250), 42_899_288, 42_676_888),
        (NetworkConfig(backbone="resnet101"), 60_464_672, 60_242_272),
    ],
    ids=["R50 panoptic", "R101"],
)
def test_the_papers_networks_have_the_authors_numbers_of_parameters(
    config: NetworkConfig, everything: int, trained: int
) -> None:
    assert count_parameters(build_model(config)) == (everything, trained)
