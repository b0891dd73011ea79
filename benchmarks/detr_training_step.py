"""Time, memory and arithmetic rate of DETR's training step, beside the authors' code.

python benchmarks/detr_training_step.py [--batch 1] [--side 320] [--precision mixed_bfloat16]

The step is the one that the pipeline makes of DETR-R50: dropout, auxiliary losses, matching, the
clipped update. What the images show does not matter to the time; noise is used, with ten objects an
image. One setting a process, because the peak of memory is the process's.
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
from components.trainers.detr.batches import numbered
from components.trainers.detr.experiment import DetrExperiment
from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.losses import set_losses
from components.trainers.detr.matching import match
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.detr.targets import targets_of, totals_of
from components.trainers.detr.task import DetrTask
from components.trainers.training_config import TrainingConfig
from components.transforms.detr_features import BOXES, IMAGE, IMAGE_SIZE, LABELS, NUM_OBJECTS

OBJECTS = 10
# The authors' PyTorch code on 2 threads of such a machine, float32, one image of 320 x 320 pixels:
# seconds of a step, of its forward pass, of matching and losses; gigabytes.
AUTHORS = {"step": 0.60, "forward": 0.173, "matching and losses": 0.004}
AUTHORS_GIGABYTES = 1.2
TARGET_RATIOS = {"float32": 0.8, "mixed_bfloat16": 0.6}

Times = dict[str, list[tuple[float, float]]]


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    set_threads(arguments.threads)
    # As in a run (components.trainers.runtime).
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    # Before the step too: a machine that others use, too, changes speed in between.
    rates = [matrix_multiply_rate(tf.float32)]
    task, batch = _task(arguments)
    step = tf.function(task.train_step, autograph=False)
    times = {"step": _measured(lambda: step(batch)["loss"], arguments.repeats)}
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    times |= _parts(task, batch, arguments.repeats)
    rates.append(matrix_multiply_rate(tf.float32))
    _report(arguments, times, gigabytes, rates)


def _parts(task: DetrTask, batch: dict[str, tf.Tensor], repeats: int) -> Times:
    """The forward pass alone, and matching and losses with their gradients alone."""
    weights, queries = LossWeights(), task.network.queries

    @tf.function(autograph=False)
    def forward(images: tf.Tensor, sizes: tf.Tensor) -> Any:
        found = task.model(images, sizes, every_layer=True)
        return found.logits, found.boxes_cxcywh

    @tf.function(autograph=False)
    def losses(logits: tf.Tensor, boxes: tf.Tensor) -> Any:
        targets = targets_of(batch)
        totals = totals_of(targets.counts, queries, weights.no_object)
        with tf.GradientTape() as tape:
            tape.watch([logits, boxes])
            objects = match(logits, boxes, targets, weights)
            terms = set_losses(logits, boxes, objects, targets, totals, weights)
            loss = tf.add_n(list(terms.values()))
        return tape.gradient(loss, [logits, boxes])

    logits, boxes = forward(batch[IMAGE], batch[IMAGE_SIZE])
    return {
        "forward": _measured(lambda: forward(batch[IMAGE], batch[IMAGE_SIZE])[0], repeats),
        "matching and losses": _measured(lambda: losses(logits, boxes)[0], repeats),
    }


def _measured(run: Callable[[], tf.Tensor], repeats: int) -> list[tuple[float, float]]:
    """Time and processor time of each call after the first two, which compile and warm up."""
    times = []
    for _ in range(repeats + 2):
        start = np.array([time.perf_counter(), time.process_time()])
        run().numpy()
        times.append(tuple(np.array([time.perf_counter(), time.process_time()]) - start))
    return times[2:]


def _report(
    arguments: argparse.Namespace, times: Times, gigabytes: float, rates: list[float]
) -> None:
    print(
        f"DETR-R50, batch {arguments.batch}, {arguments.side} x {arguments.side}, "
        f"{arguments.precision}, {arguments.threads} threads"
    )
    compared = (arguments.batch, arguments.side) == (1, 320)
    for name, pairs in times.items():
        seconds, processor = (statistics.median(column) for column in zip(*pairs, strict=True))
        fastest = min(pair[0] for pair in pairs)
        # Processor time, of all threads together, depends less on what else the machine does.
        line = f"  {name:20} {seconds:.3f} s (fastest {fastest:.3f}), processor {processor:.3f} s"
        if compared:
            line += f"; the authors' {AUTHORS[name]} s, ratio {seconds / AUTHORS[name]:.2f}"
        print(line)
    print(f"  peak memory          {gigabytes:.2f} GB; the authors' {AUTHORS_GIGABYTES} GB")
    print(f"  matrix multiply      {rates[0]:.0f} GFLOP/s float32 before, {rates[1]:.0f} after")
    if compared:
        ratio = statistics.median(pair[0] for pair in times["step"]) / AUTHORS["step"]
        target = TARGET_RATIOS[arguments.precision]
        print(f"  target               {target}: {'met' if ratio <= target else 'missed'}")


def _task(arguments: argparse.Namespace) -> tuple[DetrTask, dict[str, tf.Tensor]]:
    generator = np.random.default_rng(0)
    batch, side = arguments.batch, arguments.side
    arrays = {
        IMAGE: generator.standard_normal((batch, side, side, 3), np.float32),
        IMAGE_SIZE: np.full((batch, 2), side, np.int64),
        BOXES: generator.uniform(0.2, 0.4, (batch, OBJECTS, 4)).astype(np.float32),
        LABELS: generator.integers(1, 91, (batch, OBJECTS)),
        NUM_OBJECTS: np.full(batch, OBJECTS, np.int64),
    }
    tensors = {name: tf.constant(array) for name, array in arrays.items()}
    task = DetrTask(
        DetrExperiment(batch_size=batch),
        NetworkConfig(),
        TrainingConfig(precision=arguments.precision, clip_norm=0.1),
        train_batches=lambda _: tf.data.Dataset.from_tensors(tensors).repeat(),
        steps_per_epoch=1,
        images_fn=lambda images: {},
    )
    return task, numbered(tensors, tf.constant(0, tf.int64))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--precision", default="float32", choices=tuple(TARGET_RATIOS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
