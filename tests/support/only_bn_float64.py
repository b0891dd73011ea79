"""The authors' ResNets written out in float64: a judge between two float32 computations.

A ReLU decides by a sign, and float32 can get the sign of a value near 0 wrong. One such decision
moves gradients by up to a hundredth, so two correct float32 computations may differ by that much.
`Float64Network` computes with exact decisions, or with named ones reversed: what then still differs
is more than rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from components.trainers.only_bn.network_config import NetworkConfig

Arrays: TypeAlias = Mapping[str, np.ndarray]
# Name of a ReLU, and the position of one of its inputs.
Decision: TypeAlias = tuple[str, tuple[int, ...]]

EPSILON = 1e-5
STATISTICS_SHARE = 0.1
# A sign is in doubt below this: inputs of ReLUs are of order 1, and float32 gives them to 3e-7.
DOUBTFUL = 1e-6


@dataclass(frozen=True)
class TrainingPass:
    """What a forward and a backward pass give, all float64.

    Attributes:
        loss: Mean cross-entropy.
        gradients: Authors' parameter name -> gradient.
        statistics: Authors' buffer name -> running statistic after the pass.
        doubtful: Decisions by values nearer to 0 than `DOUBTFUL`.
        reversed: Those that were taken the other way.
    """

    loss: float
    gradients: Arrays
    statistics: Arrays
    doubtful: list[Decision]
    reversed: Sequence[Decision]


class Float64Network:
    """A ResNet of either family.

    Args:
        config: Its shape.
        images: `[batch, channels, height, width]`, PyTorch's order.
        labels: `[batch]`.
    """

    def __init__(self, config: NetworkConfig, images: np.ndarray, labels: np.ndarray) -> None:
        self.config = config
        self.images = tf.constant(images.transpose(0, 2, 3, 1), tf.float64)
        self.labels = tf.constant(labels)

    def training_pass(self, state: Arrays, reversed_: Sequence[Decision] = ()) -> TrainingPass:
        """One pass with the batch's statistics.

        Args:
            state: Authors' names -> parameters and running statistics, in their axes' order.
            reversed_: Decisions to take the other way.
        """
        self._values = {name: _float64(array) for name, array in state.items()}
        self._statistics: dict[str, np.ndarray] = {}
        self._doubtful: list[Decision] = []
        self._reversed = reversed_
        trained = {name: v for name, v in self._values.items() if v.ndim == 1 and _trains(name)}
        with tf.GradientTape() as tape:
            tape.watch(list(trained.values()))
            logits = self._logits()
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(self.labels, logits)
            )
        gradients = tape.gradient(loss, trained)
        return TrainingPass(
            float(loss),
            {name: gradient.numpy() for name, gradient in gradients.items()},
            self._statistics,
            self._doubtful,
            reversed_,
        )

    def explained(self, state: Arrays, gradients: Arrays, tolerance: float) -> TrainingPass:
        """The pass with those doubtful decisions reversed that bring it nearest to `gradients`.

        Args:
            state: As for `training_pass`.
            gradients: Of a float32 computation, by the authors' names.
            tolerance: Decisions stay as they are once the worst tensor differs by no more.
        """
        best = self.training_pass(state)
        while worst_difference(best.gradients, gradients) > tolerance:
            others = [
                self.training_pass(state, [*best.reversed, decision])
                for decision in best.doubtful
                if decision not in best.reversed
            ]
            nearest = min(
                [best, *others], key=lambda found: worst_difference(found.gradients, gradients)
            )
            if nearest is best:
                break
            best = nearest
        return best

    def _logits(self) -> tf.Tensor:
        cifar = self.config.family == "cifar"
        prefix, shortcut = ("", "shortcut") if cifar else ("model.", "downsample")
        stem = ("conv", "bn", 1) if cifar else ("conv1", "bn1", 2)
        features = self._normalised(self.images, prefix + stem[0], prefix + stem[1], stem[2])
        features = self._relu(features, prefix + stem[1])
        if not cifar:
            features = tf.nn.max_pool2d(_padded(features, 1), 3, 2, "VALID")
        number = 0
        for segment, blocks in enumerate(self.config.segments):
            for index in range(blocks):
                name = f"blocks.{number}" if cifar else f"model.layer{segment + 1}.{index}"
                number += 1
                features = self._block(
                    features, name, f"{name}.{shortcut}", 2 if segment and not index else 1
                )
        pooled = tf.reduce_mean(features, (1, 2))
        output = self._values[f"{prefix}fc.weight"]
        return tf.matmul(pooled, output, transpose_b=True) + self._values[f"{prefix}fc.bias"]

    def _block(self, images: tf.Tensor, name: str, shortcut: str, stride: int) -> tf.Tensor:
        last, strided = (3, 2) if self.config.bottleneck else (2, 1)
        branch = images
        for number in range(1, last + 1):
            branch = self._normalised(
                branch,
                f"{name}.conv{number}",
                f"{name}.bn{number}",
                stride if number == strided else 1,
            )
            if number < last:
                branch = self._relu(branch, f"{name}.bn{number}")
        if f"{shortcut}.0.weight" in self._values:
            images = self._normalised(images, f"{shortcut}.0", f"{shortcut}.1", stride)
        return self._relu(branch + images, name)

    def _normalised(self, images: tf.Tensor, kernel: str, norm: str, stride: int) -> tf.Tensor:
        weights = tf.transpose(self._values[f"{kernel}.weight"], [2, 3, 1, 0])
        images = tf.nn.conv2d(_padded(images, weights.shape[0] // 2), weights, stride, "VALID")
        mean = tf.reduce_mean(images, (0, 1, 2))
        variance = tf.reduce_mean(tf.square(images - mean), (0, 1, 2))
        count = np.prod(images.shape[:3])
        # The running variance is the unbiased one, the normalising one is not.
        new = {"running_mean": mean, "running_var": variance * count / (count - 1)}
        for kind, value in new.items():
            old = self._values[f"{norm}.{kind}"]
            moved = (1 - STATISTICS_SHARE) * old + STATISTICS_SHARE * value
            self._statistics[f"{norm}.{kind}"] = moved.numpy()
        whitened = (images - mean) / tf.sqrt(variance + EPSILON)
        return whitened * self._values[f"{norm}.weight"] + self._values[f"{norm}.bias"]

    def _relu(self, values: tf.Tensor, name: str) -> tf.Tensor:
        passes = values.numpy() > 0
        near = np.argwhere(np.abs(values.numpy()) < DOUBTFUL)
        self._doubtful += [(name, tuple(position)) for position in near.tolist()]
        for relu, position in self._reversed:
            if relu == name:
                passes[position] = not passes[position]
        return values * tf.constant(passes.astype(np.float64))


def worst_difference(found: Arrays, reference: Arrays) -> float:
    """The largest relative error of a tensor, each relative to its reference's largest value."""
    return max(
        float(np.abs(found[name] - array).max() / np.abs(array).max())
        for name, array in reference.items()
    )


def _trains(name: str) -> bool:
    return not name.endswith(("running_mean", "running_var", "fc.bias"))


def _float64(array: np.ndarray) -> tf.Tensor:
    return tf.constant(array, tf.float64)


def _padded(images: tf.Tensor, pixels: int) -> tf.Tensor:
    return tf.pad(images, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
