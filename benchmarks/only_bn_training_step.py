"""Images a second and memory of Only-BN's training step, beside the authors' code.

python benchmarks/only_bn_training_step.py [--depths 14 56] [--precisions float32 mixed_bfloat16]

The step is the one that the pipeline makes, in the pipeline's runtime: a batch of 128 CIFAR-sized
images, SGD with momentum. What the images show does not matter to the time; noise is used.

The steps that are compared, and a matrix product, take turns in one process, so that other work on
the machine slows them all alike; every number is a median. Memory is the peak of a process of its
own for each configuration.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.runtime import prepare_runtime
from components.trainers.training_config import TrainingConfig

# The authors' PyTorch code, (depth, what trains) -> images/s, 2 threads of such a machine, float32.
AUTHORS_RATES = {(14, "bn"): 718, (14, "all"): 612, (56, "bn"): 223, (56, "all"): 168}
# Depth -> peak memory of the authors' process, BatchNorm alone trains, GB.
AUTHORS_MEMORY = {14: 0.57, 56: 1.0}
TARGET_RATIO = 1.3
BATCH = 128
NUM_EXAMPLES = 50_000
MATRIX_SIZE = 2048

Run = Callable[[], object]


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    prepare_runtime(TrainingConfig(threads=arguments.threads))
    if arguments.memory_of:
        depth, train, precision = arguments.memory_of
        _print_memory(int(depth), train, precision)
        return
    for depth in arguments.depths:
        _print_rates(depth, arguments.precisions, arguments.repeats)
    for depth in arguments.depths:
        for precision in arguments.precisions:
            for train in ("bn", "all"):
                _measure_memory(depth, train, precision, arguments.threads)


def _print_rates(depth: int, precisions: list[str], repeats: int) -> None:
    configurations = [(train, precision) for precision in precisions for train in ("bn", "all")]
    runs: dict[tuple[str, str], Run] = {
        (train, precision): _training_step(depth, train, precision)
        for train, precision in configurations
    }
    product = ("matrix", "product")
    seconds = _median_seconds({**runs, product: _matrix_product()}, repeats)
    gigaflops = 2 * MATRIX_SIZE**3 / seconds[product] / 1e9
    print(f"ResNet-{depth}; matrix product {gigaflops:.0f} GFLOP/s float32 in the same minutes")
    for train, precision in configurations:
        print(_line(depth, train, precision, BATCH / seconds[train, precision]))
    for precision in precisions:
        ratio = seconds["all", precision] / seconds["bn", precision]
        print(f"  {precision}: BN-only / all: {ratio:.2f}", flush=True)


def _median_seconds(
    runs: Mapping[tuple[str, str], Run], repeats: int
) -> dict[tuple[str, str], float]:
    """The first two turns, in which TensorFlow compiles and caches, do not count."""
    seconds: dict[tuple[str, str], list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 2):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[2:]) for name, values in seconds.items()}


def _line(depth: int, train: str, precision: str, rate: float) -> str:
    line = f"  {train} {precision}: {rate:.0f} images/s"
    theirs = AUTHORS_RATES.get((depth, train))
    if theirs is None:
        return line
    met = "met" if rate >= TARGET_RATIO * theirs else "missed"
    return (
        f"{line}, the authors' {theirs} in float32; ratio {rate / theirs:.2f}, {TARGET_RATIO} {met}"
    )


def _training_step(depth: int, train: str, precision: str) -> Run:
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
    return lambda: step(batch)["loss"].numpy()


def _matrix_product() -> Run:
    matrix = tf.random.stateless_normal([MATRIX_SIZE, MATRIX_SIZE], [0, 1])
    multiply = tf.function(lambda left, right: tf.matmul(left, right), autograph=False)
    # One element is enough to wait for the product without copying it.
    return lambda: multiply(matrix, matrix)[0, 0].numpy()


def _measure_memory(depth: int, train: str, precision: str, threads: int) -> None:
    command = [sys.executable, __file__, "--threads", str(threads)]
    subprocess.run([*command, "--memory-of", str(depth), train, precision], check=True)


def _print_memory(depth: int, train: str, precision: str) -> None:
    """Runs three steps. Pages of TensorFlow's libraries are shared and can be dropped: apart."""
    before = _memory("VmRSS")
    run = _training_step(depth, train, precision)
    for _ in range(3):
        run()
    line = f"ResNet-{depth} {train} {precision}: peak memory {_memory('VmHWM'):.2f} GB"
    line += f" ({before:.2f} before the network; {_memory('RssFile'):.2f} are pages of libraries)"
    theirs = AUTHORS_MEMORY.get(depth) if train == "bn" else None
    print(line + (f"; the authors' process {theirs:.2f}" if theirs else ""), flush=True)


def _memory(field: str) -> float:
    """A field of Linux' account of this process, in GB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, value = line.split(":", 1)
        if name == field:
            return int(value.split()[0]) * 1024 / 1e9
    raise KeyError(field)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--depths", type=int, nargs="+", default=[14, 56])
    parser.add_argument("--precisions", nargs="+", default=["float32", "mixed_bfloat16"])
    parser.add_argument("--memory-of", nargs=3, metavar=("DEPTH", "TRAIN", "PRECISION"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
