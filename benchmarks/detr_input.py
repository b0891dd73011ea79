"""COCO pictures a second that reach DETR's training step: read, decoded, augmented, on a canvas.

python benchmarks/detr_input.py --data-root coco [--task panoptic]

Records and Transform's graph are made as the pipeline makes them. The authors' training step takes
0.60 s a picture of 320 x 320 on 2 threads (1.7 pictures/s); the input must give twice that.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.matrix_multiply import matrix_multiply_rate, set_threads
from benchmarks.only_bn_input import write_transform
from components.example_gens.coco_source import CocoSource
from components.example_gens.record_writer import cut_into_shards, write_shard
from components.trainers.example_batches import training_batches
from components.trainers.transform_graph import TransformGraph
from components.transforms import detr_features as names
from components.transforms.detr import preprocessing_fn

BATCH = 2
SIZES: dict[str, dict[str, Any]] = {
    "paper, 800/1333": {},
    "small, 320": {
        "canvas_size": 324,
        "eval_size": 256,
        "max_size": 320,
        "train_sizes": [192, 224, 256],
        "crop_resize_sizes": [224, 256],
        "crop_min": 192,
        "crop_max": 256,
    },
}


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    set_threads(arguments.threads)
    print(f"matrix multiply {matrix_multiply_rate(tf.float32):.0f} GFLOP/s float32")
    dataset = "coco_panoptic" if arguments.task == "panoptic" else arguments.dataset
    for label, sizes in SIZES.items():
        settings = {"dataset": dataset, "task": arguments.task, "subset": True, **sizes}
        with tempfile.TemporaryDirectory() as name:
            _measure(label, settings, arguments, Path(name))


def _measure(
    label: str, settings: dict[str, Any], arguments: argparse.Namespace, folder: Path
) -> None:
    source = CocoSource.from_settings(str(arguments.data_root), settings)
    shards = cut_into_shards({"train": source.references("train")}, source.RECORDS_PER_SHARD)
    records = sum(write_shard(source, shard, str(folder))["written"] for shard in shards)
    files = [str(folder / shard.file_name) for shard in shards]
    transform = write_transform(
        files, folder, settings["dataset"], lambda inputs: preprocessing_fn(inputs, settings)
    )
    for prefix in (names.AUGMENTED, ""):
        wanted = {prefix + names.IMAGE, prefix + names.BOXES, prefix + names.LABELS}
        if settings["task"] == "panoptic":
            wanted.add(prefix + names.MASKS)
        graph = TransformGraph(transform, wanted)
        batches = training_batches(files, graph, num_records=records, batch_size=BATCH, seed=0)
        iterator = iter(batches)
        rates = [
            _rates(iterator, prefix + names.LABELS, arguments.batches)
            for _ in range(arguments.repeats + 1)
        ][1:]
        wall, process = (statistics.median(column) for column in zip(*rates, strict=True))
        view = "training view" if prefix else "evaluation view"
        print(f"{label}, {view}: {wall:.1f} images/s, {process:.1f} images/s of one core's time")


def _rates(iterator: Iterator[Any], label: str, batches: int) -> tuple[float, float]:
    """Images by the clock's second, and by the process's."""
    clock, process = time.perf_counter(), time.process_time()
    images = sum(int(batch[label].shape[0]) for batch in islice(iterator, batches))
    return images / (time.perf_counter() - clock), images / (time.process_time() - process)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--dataset", default="coco_panoptic")
    parser.add_argument("--task", default="detection", choices=["detection", "panoptic"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
