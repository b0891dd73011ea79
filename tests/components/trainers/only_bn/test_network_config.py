"""What of a network trains, under each value of `network.train`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.only_bn.model import build_model
from components.trainers.only_bn.network_config import NetworkConfig


@pytest.mark.parametrize(
    ("train", "norms", "kernels", "output"),
    [
        ("bn", True, False, False),
        ("all", True, True, True),
        ("all_but_bn", False, True, True),
        ("bn_and_output", True, False, True),
        ("random_subset", False, False, False),
    ],
)
def test_what_trains(train: str, norms: bool, kernels: bool, output: bool) -> None:
    config = NetworkConfig(train=train)
    assert (config.trains_norms, config.trains_kernels, config.trains_output) == (
        norms,
        kernels,
        output,
    )


@pytest.mark.parametrize("convolutions", ["full", "separable"])
def test_all_but_bn_and_bn_are_together_all(convolutions: str) -> None:
    def trained(train: str) -> list[str]:
        model = build_model(NetworkConfig(depth=8, train=train, convolutions=convolutions))
        places = {id(variable): place for place, variable in enumerate(model.variables)}
        return sorted(places[id(variable)] for variable in model.trainable_variables)

    assert not set(trained("bn")) & set(trained("all_but_bn"))
    assert sorted(trained("bn") + trained("all_but_bn")) == trained("all")


def test_batchnorm_normalises_by_the_batch_though_it_does_not_train() -> None:
    config = NetworkConfig(depth=8, width=4, train="all_but_bn", gamma="fixed")
    norm = build_model(config).stem_norm
    images = 3.0 + 2.0 * tf.random.stateless_normal([64, 8, 8, 4], [1, 2])
    outputs = norm(images, training=True)
    np.testing.assert_allclose(tf.reduce_mean(outputs, (0, 1, 2)), np.zeros(4), atol=1e-5)
    np.testing.assert_allclose(tf.math.reduce_std(outputs, (0, 1, 2)), np.ones(4), atol=1e-4)
    mean = tf.reduce_mean(images, (0, 1, 2))
    np.testing.assert_allclose(np.array(norm.running_mean), 0.1 * mean, rtol=1e-5)
    assert [np.array(norm.gamma).tolist(), np.array(norm.beta).tolist()] == [[1] * 4, [0] * 4]
