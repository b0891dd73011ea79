"""Images a second of Only-BN's training step, beside the authors' code.

python benchmarks/only_bn_training_step.py [--depths 14 56] [--precisions float32 mixed_bfloat16]

The step is the one that the pipeline makes: a batch of 128 CIFAR-sized images, SGD with momentum.
What the images show does not matter to the time; noise is used.
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
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.training_config import TrainingConfig

# The authors' PyTorch code, (depth, what trains) -> images/s, 2 threads of such a machine, float32.
AUTHORS_RATES = {(14, "bn"): 718, (14, "all"): 612, (56, "bn"): 223, (56, "all"): 168}
TARGET_RATIO = 1.3
BATCH = 128
NUM_EXAMPLES = 50_000


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    set_threads(arguments.threads)
    print(f"matrix multiply {matrix_multiply_rate(tf.float32):.0f} GFLOP/s float32")
    for depth in arguments.depths:
        for precision in arguments.precisions:
            rates = {}
            for train in ("bn", "all"):
                rates[train] = _images_per_second(depth, train, precision, arguments.repeats)
                print(_line(depth, train, precision, rates[train]), flush=True)
            print(f"  BN-only / all: {rates['bn'] / rates['all']:.2f}", flush=True)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of all together {megabytes:.0f} MB")


def _line(depth: int, train: str, precision: str, rate: float) -> str:
    line = f"ResNet-{depth} {train} {precision}: {rate:.0f} images/s"
    theirs = AUTHORS_RATES.get((depth, train))
    if theirs is None:
        return line
    met = "met" if rate >= TARGET_RATIO * theirs else "missed"
    return f"{line}, the authors' {theirs}; ratio {rate / theirs:.2f}, {TARGET_RATIO} {met}"


def _images_per_second(depth: int, train: str, precision: str, repeats: int) -> float:
    generator = np.random.default_rng(0)
    batch = {
        "image": tf.constant(generator.standard_normal((BATCH, 32, 32, 3), np.float32)),
        "label": tf.constant(generator.integers(0, 10, BATCH)),
    }
    task = OnlyBatchNormTask(
        OnlyBatchNormExperiment(batch_size=BATCH),
        NetworkConfig(depth=depth, train=train),
        TrainingConfig(learning_rate=0.1, precision=precision),
        num_examples=NUM_EXAMPLES,
        train_batches=lambda _: tf.data.Dataset.from_tensors(batch).repeat(),
    )
    step = tf.function(task.train_step, autograph=False)
    seconds = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        step(batch)["loss"].numpy()
        seconds.append(time.perf_counter() - start)
    return BATCH / statistics.median(seconds[2:])


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--depths", type=int, nargs="+", default=[14, 56])
    parser.add_argument("--precisions", nargs="+", default=["float32", "mixed_bfloat16"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
