"""Deep networks: recomputation changes nothing, and 218 layers train with the paper's recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.only_bn.losses import cross_entropy
from components.trainers.only_bn.model import ResNet, build_model
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.sgd import TorchSgd

IMAGES, SIDE = 16, 8
# Computed twice by the same kernels, only the order of sums in gradients may differ.
RECOMPUTED_TOLERANCE = 1e-5


def two_colours() -> tuple[tf.Tensor, tf.Tensor]:
    """Noisy images of two classes, told apart by their colour."""
    labels = np.arange(IMAGES) % 2
    colours = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.5]])[labels]
    noise = np.random.default_rng(0).normal(0, 0.3, (IMAGES, SIDE, SIDE, 3))
    return tf.constant((noise + colours[:, None, None]).astype(np.float32)), tf.constant(labels)


def loss_and_gradients(model: ResNet) -> tuple[tf.Tensor, list[Any]]:
    images, labels = two_colours()
    with tf.GradientTape() as tape:
        loss = cross_entropy(model(images, training=True), labels, IMAGES)
    return loss, tape.gradient(loss, model.trainable_variables)


@pytest.mark.parametrize("train", ["bn", "all"])
def test_recomputation_changes_neither_gradients_nor_statistics(train: str) -> None:
    found = []
    for together in (0, 4):
        shape = NetworkConfig(depth=32, width=4, train=train, blocks_recomputed=together)
        model = build_model(shape, seed=7)
        before = model.get_weights()
        loss, gradients = tf.function(loss_and_gradients, autograph=False)(model)
        # Every norm's two running statistics, and nothing else, have moved once.
        moved = [
            variable.name
            for variable, old in zip(model.variables, before, strict=True)
            if not np.array_equal(variable, old)
        ]
        assert sorted(moved) == sorted(["running_mean", "running_variance"] * len(model.norms))
        found.append([loss, *gradients, *model.get_weights()])
    for plain, again in zip(*map(list, found), strict=True):
        largest = np.abs(plain).max() + 1e-12
        np.testing.assert_allclose(again, plain, rtol=0, atol=RECOMPUTED_TOLERANCE * largest)


def test_218_layers_train_with_the_papers_recipe() -> None:
    model = build_model(NetworkConfig(depth=218, width=4, classes=2), seed=3)
    optimizer = TorchSgd(0.1, momentum=0.9, l2=1e-4)
    optimizer.build(model.trainable_variables)
    losses = []
    # Eagerly: to trace so many layers takes longer than a few steps do.
    for _ in range(10):
        loss, gradients = loss_and_gradients(model)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        losses.append(float(loss))
    assert max(losses) < 5.0
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3])
    assert all(np.isfinite(variable).all() for variable in model.get_weights())
