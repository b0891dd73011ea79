"""COCO's records through the stack: ExampleGen, curated schema, statistics, Transform's graph."""

import json

import numpy as np
import pytest
import tensorflow as tf

pytestmark = pytest.mark.e2e
pytest.importorskip("tfx")

import apache_beam as beam  # noqa: E402
import tensorflow_data_validation as tfdv  # noqa: E402
import tensorflow_transform.beam as tft_beam  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from tensorflow_metadata.proto.v0 import schema_pb2  # noqa: E402
from tensorflow_transform.tf_metadata import (  # noqa: E402
    dataset_metadata,
    metadata_io,
)
from tfx_bsl.public import tfxio  # noqa: E402

from components.errors import ConfigError  # noqa: E402
from components.example_gens import coco_features as keys  # noqa: E402
from components.example_gens.coco_example_gen import CocoExampleGen  # noqa: E402
from components.example_gens.coco_source import CocoSource  # noqa: E402
from components.example_gens.dataset_executor import source_of_execution  # noqa: E402
from components.example_gens.generated_coco import write_generated_coco  # noqa: E402
from components.example_gens.record_writer import cut_into_shards, write_shard  # noqa: E402
from components.trainers.transform_graph import TransformGraph  # noqa: E402
from components.transforms import detr, detr_masks  # noqa: E402
from components.transforms import detr_features as names  # noqa: E402
from schemas import schema_path  # noqa: E402

SIZES = {
    "subset": True,
    "max_objects": 16,
    "canvas_size": 64,
    "eval_size": 40,
    "max_size": 62,
    "train_sizes": [32, 40],
    "crop_resize_sizes": [36],
    "crop_min": 24,
    "crop_max": 32,
}


def test_source_follows_the_settings(tmp_path):
    component = CocoExampleGen(str(tmp_path), {"dataset": "coco_panoptic", **SIZES})
    found = source_of_execution(component.exec_properties)
    assert isinstance(found, CocoSource)
    assert found.config.dataset == "coco_panoptic"
    assert found.config.train_sizes == (32, 40)
    splits = json.loads(component.exec_properties["input_config"])["splits"]
    assert [split["name"] for split in splits] == ["train", "eval"]
    with pytest.raises(ConfigError, match=r"data\.canvas_size"):
        CocoExampleGen(str(tmp_path), {"canvas_size": 4})


@pytest.mark.parametrize("dataset", ["coco_panoptic", "coco_instances"])
def test_records_fit_the_schema_and_go_through_transform(tmp_path, dataset):
    settings = {**SIZES, "dataset": dataset, "task": "panoptic"}
    # Among them a picture without things.
    root = write_generated_coco(tmp_path / "set", images=16, classes=3, longest_side=64)
    source = CocoSource.from_settings(str(root), settings)
    (shard,) = cut_into_shards({"train": source.references("train")}, 100)
    assert write_shard(source, shard, str(tmp_path))["rejects"] == []
    file = str(tmp_path / shard.file_name)
    schema = text_format.Parse(schema_path(dataset).read_text(), schema_pb2.Schema())

    options = tfdv.StatsOptions(schema=schema, enable_semantic_domain_stats=True)
    statistics = tfdv.generate_statistics_from_tfrecord(
        file,
        stats_options=options,
        pipeline_options=PipelineOptions(["--runner=DirectRunner"]),
    )
    anomalies = tfdv.validate_statistics(statistics, schema)
    assert dict(anomalies.anomaly_info) == {}

    reader = tfxio.TFExampleRecord(file, schema=schema, telemetry_descriptors=["test"])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline, tft_beam.Context(str(tmp_path / "tmp")):
        raw = (pipeline | reader.BeamSource(), reader.TensorAdapterConfig())
        transform_fn = raw | tft_beam.AnalyzeDataset(
            lambda inputs: detr.preprocessing_fn(inputs, settings)
        )
        _ = transform_fn | tft_beam.WriteTransformFn(str(tmp_path / "transform"))
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema), str(tmp_path / "transform" / "metadata")
    )

    serialized = tf.stack(list(tf.data.TFRecordDataset(file, "GZIP")))
    wanted = [names.IMAGE_SIZE, names.MASKS, names.NUM_OBJECTS, names.BOXES]
    wanted += [names.AUGMENTED + name for name in wanted]
    truth = [names.TARGET_LABELS, names.TARGET_IS_CROWD]
    if dataset == "coco_panoptic":
        truth = [names.TARGET_SEGMENT_IDS]
    graph = TransformGraph(str(tmp_path / "transform"), wanted + truth)
    found = graph.from_serialized(serialized)
    there = found[truth[0]].numpy() != names.PADDING
    usable = there & (found[names.TARGET_IS_CROWD].numpy() == 0) if len(truth) > 1 else there
    np.testing.assert_array_equal(found[names.NUM_OBJECTS], usable.sum(axis=1))
    for prefix in ("", names.AUGMENTED):
        masks = detr_masks.unpack_masks(found[prefix + names.MASKS], 16, (64, 64)).numpy()
        # Each object that is there shows, save what a crop leaves of its box alone.
        shown, listed = (
            masks.any(axis=(2, 3)).sum(axis=1),
            found[prefix + names.NUM_OBJECTS].numpy(),
        )
        assert (shown <= listed).all()
        assert shown.sum() > 0.9 * listed.sum() > 0

    serving = TransformGraph(str(tmp_path / "transform"), [names.IMAGE, names.IMAGE_SIZE])
    assert serving.inputs == (keys.IMAGE_ENCODED,)
