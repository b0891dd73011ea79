"""Losses against their formulas in numpy; shares of two replicas add up to the mean."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.finegan.losses import (
    classification_loss,
    code_accuracy,
    information_loss,
    kept_loss,
    real_loss,
)

LOGITS = np.random.default_rng(0).normal(0, 3, (4, 2, 2)).astype(np.float32)
WEIGHTS = np.float32([[[1, 0], [0, 0]], [[0, 0], [0, 0]], [[1, 1], [1, 1]], [[0, 1], [1, 0]]])


def cross_entropy(targets: np.ndarray) -> np.ndarray:
    """The authors': of the sigmoid."""
    probabilities = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
    return -(targets * np.log(probabilities) + (1 - targets) * np.log(1 - probabilities))


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_real_and_made(target: float) -> None:
    expected = cross_entropy(np.full(LOGITS.shape, target)).mean()
    assert float(real_loss(tf.constant(LOGITS), target, 4)) == pytest.approx(expected, rel=1e-5)
    shares = [float(real_loss(tf.constant(part), target, 4)) for part in (LOGITS[:1], LOGITS[1:])]
    assert sum(shares) == pytest.approx(expected, rel=1e-5)


def test_classification_counts_every_patch() -> None:
    found = classification_loss(tf.constant(LOGITS), WEIGHTS, 4)
    assert float(found) == pytest.approx(cross_entropy(WEIGHTS).mean(), rel=1e-5)


def test_dropped_patches_count_for_nothing() -> None:
    expected = cross_entropy(np.ones_like(LOGITS))[WEIGHTS == 1.0].mean()
    assert float(kept_loss(LOGITS, WEIGHTS, 7.0)) == pytest.approx(expected, rel=1e-5)
    shares = [float(kept_loss(LOGITS[rows], WEIGHTS[rows], 7.0)) for rows in ([0, 1], [2, 3])]
    assert sum(shares) == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_background_gives_no_loss_and_no_gradient() -> None:
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = kept_loss(logits, tf.zeros_like(logits), tf.constant(0.0))
    assert float(loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss, logits), np.zeros_like(LOGITS))


def test_information_is_the_cross_entropy_of_logits() -> None:
    logits, codes = LOGITS.reshape(4, 4), np.eye(4, dtype=np.float32)[[0, 3, 3, 1]]
    shifted = np.exp(logits.astype(np.float64))
    expected = -np.log((shifted * codes).sum(1) / shifted.sum(1)).mean()
    assert float(information_loss(logits, codes, 4)) == pytest.approx(expected, rel=1e-5)
    right = (logits.argmax(1) == codes.argmax(1)).mean()
    assert float(code_accuracy(logits, codes, 4)) == pytest.approx(right)
