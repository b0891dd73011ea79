"""Networks: the paper's parameter table, what trains, how weights start, deep networks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.errors import ConfigError
from components.trainers.only_bn.initializers import gamma_and_beta_values, kernel_values
from components.trainers.only_bn.model import ResNet, build_model, count_parameters
from components.trainers.only_bn.network_config import NetworkConfig

# Paper, table of ResNets: depth -> (all parameters, those of BatchNorm).
CIFAR = {
    14: (175_258, 1_120),
    20: (272_474, 1_568),
    32: (466_906, 2_464),
    56: (855_770, 4_256),
    110: (1_730_714, 8_288),
    218: (3_480_602, 16_352),
    434: (6_980_378, 32_480),
    866: (13_979_930, 64_736),
}
IMAGENET = {
    18: (11_689_512, 9_600),
    34: (21_797_672, 17_024),
    50: (25_557_032, 53_120),
    101: (44_549_160, 105_344),
    200: (64_673_832, 176_000),
}


def trained_parameters(model: ResNet) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


@pytest.mark.parametrize("depth", CIFAR)
def test_cifar_networks_have_the_papers_parameters(depth: int) -> None:
    model = build_model(NetworkConfig(depth=depth))
    assert count_parameters(model) == CIFAR[depth]
    assert trained_parameters(model) == CIFAR[depth][1]


@pytest.mark.parametrize("depth", IMAGENET)
def test_imagenet_networks_have_the_papers_parameters(depth: int) -> None:
    model = build_model(NetworkConfig("imagenet", depth, classes=1000, kernels="binary"))
    assert count_parameters(model) == IMAGENET[depth]
    assert trained_parameters(model) == IMAGENET[depth][1]


@pytest.mark.parametrize(
    ("train", "count"),
    [("bn", 1_120), ("all", 175_258), ("bn_and_output", 1_770), ("random_subset", 1_120)],
)
def test_trained_parameters_move_and_no_others(train: str, count: int) -> None:
    model = build_model(NetworkConfig(train=train))
    assert trained_parameters(model) == count
    images = tf.random.stateless_normal([4, 32, 32, 3], [1, 2])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(images, training=True) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    assert all(np.any(gradient.numpy()) for gradient in gradients)


def test_random_subset_holds_two_weights_of_each_channel() -> None:
    stem = build_model(NetworkConfig(train="random_subset"), seed=5).stem
    channels, counts = np.unique(stem.positions[:, 3], return_counts=True)
    assert list(channels) == list(range(16))
    assert set(counts) == {2}
    assert len(np.unique(stem.positions, axis=0)) == 32


def test_weights_follow_from_the_seed() -> None:
    first, same, other = (build_model(NetworkConfig(), seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_initial_values() -> None:
    generator = np.random.default_rng(0)
    gamma, beta = gamma_and_beta_values("uniform", 10_000, generator)
    assert gamma.min() >= 0 and gamma.max() < 1 and gamma.mean() == pytest.approx(0.5, abs=0.02)
    assert not beta.any()
    assert gamma_and_beta_values("positive_negative", 10_000, generator)[0].min() < -0.9
    assert gamma_and_beta_values("one_one", 3, generator)[1].tolist() == [1, 1, 1]
    shape = (3, 3, 64, 64)
    for kind in ("kaiming_normal", "kaiming_uniform", "binary"):
        assert kernel_values(kind, shape, generator).std() == pytest.approx(
            np.sqrt(2 / 576), rel=0.02
        )
    columns = kernel_values("orthogonal", shape, generator).reshape(-1, 64)
    np.testing.assert_allclose(columns.T @ columns, np.eye(64), atol=1e-5)


def test_deep_networks_recompute_and_others_do_not() -> None:
    assert NetworkConfig(depth=218).blocks_together == 0
    assert NetworkConfig(depth=866).blocks_together == 21


def test_bfloat16_gives_float32_logits_and_variables() -> None:
    model = build_model(NetworkConfig(), precision="mixed_bfloat16")
    logits = model(tf.zeros([2, 32, 32, 3]), training=True)
    assert logits.dtype == tf.float32
    assert {str(variable.dtype) for variable in model.variables} == {"float32"}


@pytest.mark.parametrize(
    "fields", [{"depth": 15}, {"family": "imagenet", "depth": 19}, {"classes": 1}, {"width": 0}]
)
def test_impossible_networks_are_refused(fields: dict) -> None:
    with pytest.raises(ConfigError, match="network"):
        NetworkConfig(**fields)
