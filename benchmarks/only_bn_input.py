"""CIFAR images a second that reach Only-BN's training step: read, decoded, augmented, batched.

python benchmarks/only_bn_input.py [--data-root cifar-10-batches-bin]

Records and Transform's graph are made as the pipeline makes them; without a data root, of
scikit-learn's digits. The goal is 5,000 images/s on 2 cores.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.matrix_multiply import matrix_multiply_rate, set_threads
from components.example_gens.cifar_source import CifarSource
from components.example_gens.digits_as_cifar import write_digits_as_cifar
from components.example_gens.record_writer import cut_into_shards, write_shard
from components.trainers.example_batches import training_batches
from components.trainers.transform_graph import TransformGraph
from components.transforms.only_bn import AUGMENTED_IMAGE, LABEL, preprocessing_fn
from schemas import schema_path

SETTINGS = {"dataset": "cifar10", "subset": True}
BATCH = 128
GOAL = 5_000


def main() -> None:
    """Measures and prints."""
    arguments = _parse_arguments()
    set_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data_root = arguments.data_root or write_digits_as_cifar(folder / "data")
        files, num_records = _write_records(str(data_root), folder)
        transform = write_transform(
            files, folder, "cifar10", lambda inputs: preprocessing_fn(inputs, SETTINGS)
        )
        graph = TransformGraph(transform, {AUGMENTED_IMAGE, LABEL})
        batches = training_batches(files, graph, num_records=num_records, batch_size=BATCH, seed=0)
        iterator = iter(batches)
        rates = [_rate(iterator, arguments.batches) for _ in range(arguments.repeats + 1)][1:]
    print(f"matrix multiply {matrix_multiply_rate(tf.float32):.0f} GFLOP/s float32")
    median = statistics.median(rates)
    met = "met" if median >= GOAL else "missed"
    print(f"{median:.0f} images/s (of {min(rates):.0f} to {max(rates):.0f}); {GOAL} {met}")


def _write_records(data_root: str, folder: Path) -> tuple[list[str], int]:
    source = CifarSource.from_settings(data_root, SETTINGS)
    shards = cut_into_shards({"train": source.references("train")}, source.RECORDS_PER_SHARD)
    written = [write_shard(source, shard, str(folder))["written"] for shard in shards]
    return [str(folder / shard.file_name) for shard in shards], sum(written)


def write_transform(
    files: list[str], folder: Path, schema_name: str, preprocess: Callable[[Any], Any]
) -> str:
    """Writes Transform's graph as the pipeline does, and gives its folder."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
    from tfx_bsl.public import tfxio

    schema = text_format.Parse(schema_path(schema_name).read_text(), schema_pb2.Schema())
    reader = tfxio.TFExampleRecord(files[0], schema=schema, telemetry_descriptors=["benchmark"])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline, tft_beam.Context(str(folder / "tmp")):
        raw = (pipeline | reader.BeamSource(), reader.TensorAdapterConfig())
        transform_fn = raw | tft_beam.AnalyzeDataset(preprocess)
        _ = transform_fn | tft_beam.WriteTransformFn(str(folder / "transform"))
    metadata = dataset_metadata.DatasetMetadata(schema)
    metadata_io.write_metadata(metadata, str(folder / "transform" / "metadata"))
    return str(folder / "transform")


def _rate(iterator: Iterator[Any], batches: int) -> float:
    start = time.perf_counter()
    images = sum(int(batch[LABEL].shape[0]) for batch in islice(iterator, batches))
    return images / (time.perf_counter() - start)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
