"""Codes and noise that the child's discriminator recognises worst: the last phase of training.

Source: the authors' code/trainer.py, kkanshul/finegan at 38db1db. Candidates pass through both
networks in training mode, which moves BatchNorm's running statistics, as there. The candidates of a
replica compete among themselves alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from components.trainers.finegan.draws import (
    Purpose,
    draw_children,
    draw_noise,
    stream_seed,
    tied_codes,
)
from components.trainers.finegan.model import FineGan
from components.transforms.augmentation_seeds import fold_in

NoiseAndChildren = tuple[tf.Tensor, tf.Tensor]


class HardNegatives:
    """Replaces a batch's noise and codes by the worst of some candidates.

    Args:
        models: The networks.
        seed: The run's.
        candidate_batches: Batches to choose one from.
    """

    def __init__(self, models: FineGan, seed: int, candidate_batches: int) -> None:
        self._models, self._seed, self._num_batches = models, seed, candidate_batches
        child = models.child_discriminator
        self._statistics = [
            variable
            for network in (models.generator, child)
            for variable in network.non_trainable_variables
        ]

    def replace_if(
        self, wanted: tf.Tensor, noise: tf.Tensor, children: tf.Tensor, step: tf.Tensor
    ) -> NoiseAndChildren:
        """Chooses where it is wanted; in replica context.

        Args:
            wanted: Scalar bool.
            noise: `[batch, noise_size]`, what is used else.
            children: `[batch]` int64.
            step: Scalar int64; with the run's seed it determines the candidates.

        Returns:
            Noise and children, of the same shapes.
        """
        batch = tf.shape(children)[0]

        def choose() -> tuple[Any, ...]:
            return self._choose(step, batch)

        def keep() -> tuple[Any, ...]:
            return noise, children, *self._values()

        noise, children, *statistics = tf.cond(wanted, choose, keep)
        # Assigned here, because replicas cannot talk to each other inside a branch.
        for variable, value in zip(self._statistics, statistics, strict=True):
            variable.assign(value)
        return noise, children

    def _choose(self, step: tf.Tensor, batch: tf.Tensor) -> tuple[Any, ...]:
        config, total = self._models.config, self._num_batches * batch
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, tf.int64)
        seeds = [
            fold_in(stream_seed(self._seed, purpose, step), replica)
            for purpose in (Purpose.CANDIDATE_NOISE, Purpose.CANDIDATE_CHILD)
        ]
        noise = draw_noise(seeds[0], total, config)
        children = draw_children(seeds[1], total, config)

        def score_next(index: tf.Tensor, scores: tf.TensorArray, *statistics: tf.Tensor) -> Any:
            rows = slice(index * batch, (index + 1) * batch)
            part, moved = self._scores(noise[rows], children[rows], statistics)
            return index + 1, scores.write(index, part), *moved

        array = tf.TensorArray(tf.float32, self._num_batches, element_shape=[None])
        _, array, *statistics = tf.while_loop(
            lambda index, *_: index < self._num_batches,
            score_next,
            (0, array, *self._values()),
            parallel_iterations=1,
        )
        worst = tf.math.top_k(-tf.reshape(array.stack(), [-1]), batch).indices
        return tf.gather(noise, worst), tf.gather(children, worst), *statistics

    def _scores(
        self, noise: tf.Tensor, children: tf.Tensor, statistics: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The probability that each image's own code is read out of it, and new statistics."""
        discriminator = self._models.child_discriminator
        mapping = list(zip(self._statistics, statistics, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            codes = tied_codes(children, self._models.config)
            made = self._models.generator(noise, codes, training=True)
            features = discriminator.encode(made.child_masked, training=True)
            logits = discriminator.code_logits(features, training=True)
        scores = tf.gather(tf.nn.softmax(logits), children, batch_dims=1)
        return scores, [scope.get_current_value(variable) for variable in self._statistics]

    def _values(self) -> list[tf.Tensor]:
        return [tf.convert_to_tensor(variable.value) for variable in self._statistics]
