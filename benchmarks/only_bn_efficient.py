"""Images a second of the preset `efficient`: separable convolutions, and progressive resizing.

python benchmarks/only_bn_efficient.py [--depth 20] [--width 32] [--sides 32 48 64]

The step is the one that the pipeline makes, on noise of Tiny ImageNet's form. Each number is beside
the same network with full convolutions at full size, which the preset stands in for.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.matrix_multiply import matrix_multiply_rate, set_threads
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.progressive_resizing import resized
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.training_config import TrainingConfig

CLASSES = 200
WARM_UP_STEPS = 2
# The training set's images, for the epochs of the learning rate, which costs nothing.
NUM_EXAMPLES = 100_000


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    set_threads(arguments.threads)
    print(f"matrix multiply {matrix_multiply_rate(tf.float32):.0f} GFLOP/s float32")
    name = f"ResNet-{arguments.depth}, width {arguments.width}, batch {arguments.batch}"
    full_side = arguments.sides[-1]
    rates = _images_per_second(arguments)
    full = rates.pop(("full", full_side))
    print(f"{name}, full convolutions, {full_side} px: {full:.0f} images/s")
    for (_, side), rate in rates.items():
        print(f"{name}, separable, {side} px: {rate:.0f} images/s, ratio {rate / full:.2f}")
    phases = zip(rates.values(), arguments.epochs, strict=True)
    mean = sum(arguments.epochs) / sum(epochs / rate for rate, epochs in phases)
    print(f"mean over the schedule: {mean:.0f} images/s, ratio {mean / full:.2f}")
    print(f"an epoch of {NUM_EXAMPLES} images: {NUM_EXAMPLES / mean / 60:.0f} minutes on average")
    for side in arguments.sides[:-1]:
        print(f"resizing to {side} px: {_resized_per_second(arguments, side):.0f} images/s")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of all together {megabytes:.0f} MB")


def _images_per_second(arguments: argparse.Namespace) -> dict[tuple[str, int], float]:
    """(convolutions, side) -> rate. They take turns: what else the machine does slows down all."""
    steps = {kind: _training_step(arguments, kind) for kind in ("full", "separable")}
    cases = [("full", arguments.sides[-1]), *(("separable", side) for side in arguments.sides)]
    seconds: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    labels = tf.range(arguments.batch)
    batches = {side: _noise(arguments.batch, side) for side in arguments.sides}
    for _ in range(arguments.repeats + WARM_UP_STEPS):
        for kind, side in cases:
            start = time.perf_counter()
            steps[kind]({"image": batches[side], "label": labels})["loss"].numpy()
            seconds[kind, side].append(time.perf_counter() - start)
    return {
        case: arguments.batch / statistics.median(each[WARM_UP_STEPS:])
        for case, each in seconds.items()
    }


def _training_step(arguments: argparse.Namespace, convolutions: str) -> Callable[..., Any]:
    side = arguments.sides[-1]
    task = OnlyBatchNormTask(
        OnlyBatchNormExperiment(batch_size=arguments.batch),
        NetworkConfig(
            depth=arguments.depth,
            width=arguments.width,
            classes=CLASSES,
            train=arguments.train,
            convolutions=convolutions,
        ),
        TrainingConfig(learning_rate=0.1, precision=arguments.precision),
        num_examples=NUM_EXAMPLES,
        train_batches=lambda _: tf.data.Dataset.counter(),
        image_size=(side, side),
    )
    # As the training loop compiles it: the second size makes the graph one for every size.
    return tf.function(task.train_step, autograph=False, reduce_retracing=True)


def _resized_per_second(arguments: argparse.Namespace, side: int) -> float:
    full_side = arguments.sides[-1]
    images = _noise(arguments.batch, full_side)
    steps = tf.data.Dataset.counter().map(lambda step: resized(images, step, [side], [0]))
    stream = iter(steps)
    next(stream)
    start = time.perf_counter()
    for _ in range(arguments.repeats):
        next(stream)
    return arguments.batch * arguments.repeats / (time.perf_counter() - start)


def _noise(batch: int, side: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).standard_normal((batch, side, side, 3), np.float32))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--train", default="all")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 48, 64])
    parser.add_argument("--epochs", type=int, nargs="+", default=[10, 10, 10], help="at each side")
    return parser.parse_args()


if __name__ == "__main__":
    main()
