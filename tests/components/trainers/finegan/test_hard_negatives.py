"""Hard negatives: the candidates that are recognised worst, and nothing else, replace a batch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny_finegan import NETWORK, values

from components.trainers.finegan.draws import (
    Purpose,
    draw_children,
    draw_noise,
    stream_seed,
    tied_codes,
)
from components.trainers.finegan.hard_negatives import HardNegatives
from components.trainers.finegan.model import FineGan, build_model
from components.transforms.augmentation_seeds import fold_in

SEED, BATCH, BATCHES = 3, 4, 3
STEP = tf.constant(17, tf.int64)


@pytest.fixture(scope="module")
def models() -> FineGan:
    return build_model(NETWORK, 1)


def statistics(models: FineGan) -> list[np.ndarray]:
    child = models.child_discriminator
    variables = [*models.generator.non_trainable_variables, *child.non_trainable_variables]
    return values(variables)


def replaced(models: FineGan, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    hard = HardNegatives(models, SEED, BATCHES)
    noise, children = tf.zeros([BATCH, NETWORK.noise_size]), tf.zeros([BATCH], tf.int64)
    run = tf.function(hard.replace_if, autograph=False)
    found = run(tf.constant(wanted), noise, children, STEP)
    return found[0].numpy(), found[1].numpy()


def test_an_ordinary_step_keeps_its_batch_and_the_statistics(models: FineGan) -> None:
    before = statistics(models)
    noise, children = replaced(models, False)
    assert not noise.any() and not children.any()
    for old, new in zip(before, statistics(models), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_worst_recognised_candidates_are_taken(models: FineGan) -> None:
    seeds = [
        fold_in(stream_seed(SEED, purpose, STEP), 0)
        for purpose in (Purpose.CANDIDATE_NOISE, Purpose.CANDIDATE_CHILD)
    ]
    noise = draw_noise(seeds[0], BATCHES * BATCH, NETWORK)
    children = draw_children(seeds[1], BATCHES * BATCH, NETWORK)
    again, scores = build_model(NETWORK, 1), []
    for index in range(BATCHES):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        made = again.generator(noise[rows], tied_codes(children[rows], NETWORK), training=True)
        logits, _ = again.child_discriminator(made.child_masked, training=True)
        scores.append(tf.gather(tf.nn.softmax(logits), children[rows], batch_dims=1))
    worst = np.argsort(np.concatenate(scores))[:BATCH]

    found_noise, found_children = replaced(models, True)
    np.testing.assert_array_equal(found_noise, np.array(noise)[worst])
    np.testing.assert_array_equal(found_children, np.array(children)[worst])
    for own, reference in zip(statistics(models), statistics(again), strict=True):
        np.testing.assert_allclose(own, reference, rtol=1e-3, atol=1e-4)
