"""Time, memory and arithmetic rate of FineGAN's training step, beside the authors' code.

python benchmarks/finegan_training_step.py [--batch 8] [--precision mixed_bfloat16]

The step is the one that the pipeline makes: 128 x 128 pixels, the paper's widths, one generator
pass, three updates, the average. What the images show does not matter to the time; noise is used.
One setting a process, because the peak of memory is the process's.
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
from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.finegan.task import FineGanTask
from components.trainers.training_config import TrainingConfig
from components.transforms.finegan import OBJECT_VIEW, SCENE_BOX, SCENE_VIEW

# The authors' PyTorch code on 2 threads of such a machine, float32: batch -> seconds, gigabytes.
AUTHORS = {4: (4.0, 3.1), 8: (9.5, 4.1)}
TARGET_RATIOS = {"float32": 0.9, "mixed_bfloat16": 0.6}


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    set_threads(arguments.threads)
    # As in a run (components.trainers.runtime).
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    # Before the step too: a machine that others use, too, changes speed in between.
    rates = [matrix_multiply_rate(tf.float32)]
    seconds, processor_seconds = _seconds_per_step(_task(arguments), arguments.repeats)
    rates.append(matrix_multiply_rate(tf.float32))
    _report(arguments, seconds, processor_seconds, rates)


def _report(
    arguments: argparse.Namespace,
    seconds: list[float],
    processor_seconds: list[float],
    rates: list[float],
) -> None:
    median = statistics.median(seconds)
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"FineGAN, batch {arguments.batch}, {arguments.precision}, {arguments.threads} threads")
    print(f"  step             {median:.2f} s (fastest {min(seconds):.2f} s of {len(seconds)})")
    # Of all threads together; it depends less on what else the machine does.
    print(f"  processor time   {statistics.median(processor_seconds):.2f} s")
    print(f"  peak memory      {gigabytes:.2f} GB")
    print(f"  matrix multiply  {rates[0]:.0f} GFLOP/s float32 before, {rates[1]:.0f} after")
    if arguments.batch in AUTHORS:
        theirs, memory = AUTHORS[arguments.batch]
        target = TARGET_RATIOS[arguments.precision]
        verdict = f"{target} {'met' if median <= target * theirs else 'missed'}"
        print(f"  the authors'     {theirs} s, {memory} GB; ratio {median / theirs:.2f}, {verdict}")


def _task(arguments: argparse.Namespace) -> FineGanTask:
    network = NetworkConfig()
    generator = np.random.default_rng(0)

    def images(side: int) -> np.ndarray:
        shape = (arguments.batch, side, side, 3)
        return generator.uniform(-1, 1, shape).astype(np.float32)

    batch = {
        OBJECT_VIEW: images(network.image_size),
        SCENE_VIEW: images(network.background_size),
        SCENE_BOX: np.tile(np.float32([30, 30, 90, 100]), (arguments.batch, 1)),
    }
    return FineGanTask(
        FineGanExperiment(batch_size=arguments.batch, hard_negative_steps=0),
        network,
        TrainingConfig(learning_rate=2e-4, precision=arguments.precision),
        train_batches=lambda _: tf.data.Dataset.from_tensors(batch).repeat(),
    )


def _seconds_per_step(task: FineGanTask, repeats: int) -> tuple[list[float], list[float]]:
    """Time and processor time of each step after the first, which compiles."""
    step = tf.function(task.train_step, autograph=False)
    times = []
    for batch in task.dataset(0).take(repeats + 1):
        start = np.array([time.perf_counter(), time.process_time()])
        step(batch)["loss"].numpy()
        times.append(np.array([time.perf_counter(), time.process_time()]) - start)
    seconds, processor_seconds = np.transpose(times[1:]).tolist()
    return seconds, processor_seconds


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--precision", default="float32", choices=tuple(TARGET_RATIOS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
