"""Time, memory and arithmetic rate of SIREN's training step, beside the authors' code.

python benchmarks/siren_training_step.py [--precision mixed_bfloat16] [--task poisson_gradient]

The step is the one that the pipeline makes: 2-256x4-1 on a 256 x 256 picture, every pixel in each
step, Adam. The picture's content does not matter to the time; a synthetic one is used.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.matrix_multiply import matrix_multiply_rate, set_threads
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.task import SirenTask
from components.trainers.training_config import TrainingConfig
from components.transforms.siren import VALUES

# The authors' PyTorch code, measured on 2 threads of the same kind of machine.
AUTHORS_SECONDS = 1.36
AUTHORS_MEGABYTES = 980
TARGET_RATIO = 0.6

SIDE = 256


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    set_threads(arguments.threads)
    # Before the step too: a machine that others use, too, changes speed in between.
    dtype = tf.float32 if arguments.precision == "float32" else tf.bfloat16
    rates = [matrix_multiply_rate(dtype)]
    task = _task(arguments)
    seconds = _seconds_per_step(task, arguments.repeats)
    rates.append(matrix_multiply_rate(dtype))

    _report(arguments, task, seconds, rates)


def _report(
    arguments: argparse.Namespace, task: SirenTask, seconds: list[float], rates: list[float]
) -> None:
    median, points = statistics.median(seconds), task.num_points
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    shape = f"{SIDE} x {SIDE}, {arguments.precision}, {arguments.threads} threads"
    print(f"SIREN {arguments.task}, {shape}")
    print(f"  step             {median:.3f} s (fastest {min(seconds):.3f} s of {len(seconds)})")
    print(f"  speed            {points / median:,.0f} pixels/s")
    print(f"  peak memory      {megabytes:.0f} MB (the authors' {AUTHORS_MEGABYTES} MB)")
    print(f"  matrix multiply  {rates[0]:.0f} GFLOP/s before, {rates[1]:.0f} after")
    if arguments.task != "image":
        return
    achieved = _flops_per_step(task.network, points) / median / 1e9
    # The larger rate: what else runs on the machine can only slow a measurement down.
    print(f"  arithmetic       {achieved:.0f} GFLOP/s, {achieved / max(rates):.0%} of that")
    ratio = median / AUTHORS_SECONDS
    verdict = f"{TARGET_RATIO} {'met' if ratio <= TARGET_RATIO else 'missed'}"
    print(f"  the authors'     {AUTHORS_SECONDS} s; ratio {ratio:.2f}, target {verdict}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--precision", default="float32", choices=("float32", "mixed_bfloat16"))
    parser.add_argument("--points-at-once", type=int, default=None)
    parser.add_argument(
        "--task", default="image", choices=("image", "poisson_gradient", "poisson_laplacian")
    )
    return parser.parse_args()


def _task(arguments: argparse.Namespace) -> SirenTask:
    axis = np.linspace(0.0, 6.0, SIDE, dtype=np.float32)
    picture = np.sin(axis[:, None] ** 2) * np.cos(3.0 * axis[None, :])
    return SirenTask(
        SirenExperiment(task=arguments.task, points_at_once=arguments.points_at_once),
        NetworkConfig(),
        TrainingConfig(precision=arguments.precision),
        {VALUES: picture[None, :, :, None]},
    )


def _seconds_per_step(task: SirenTask, repeats: int) -> list[float]:
    step = tf.function(task.train_step)
    seconds = []
    for batch, _ in zip(task.dataset(0), range(repeats + 2), strict=False):
        start = time.perf_counter()
        step(batch)["loss"].numpy()
        seconds.append(time.perf_counter() - start)
    return seconds[2:]


def _flops_per_step(network: NetworkConfig, points: int) -> float:
    """Multiplications and additions of the matrix products alone, forward and backward.

    Backward makes two products of each forward one, except that coordinates need no gradient.
    """
    hidden = network.hidden_layers * network.hidden_features**2
    last = network.hidden_features * network.out_features
    first = network.in_features * network.hidden_features
    return 2.0 * points * (3 * (hidden + last) + 2 * first)


if __name__ == "__main__":
    main()
