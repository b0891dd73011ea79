"""The pruned Transform graph: bit-equal to the whole one, without what is not asked of it."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.io import wavfile

from components.errors import TrainingError
from components.example_gens.record_writer import Shard, write_shard
from components.example_gens.signal_source import SignalSource
from components.trainers.signature_graph import parsed_features_in, random_ops_in
from components.trainers.transform_graph import TransformGraph, read_examples
from components.transforms import augmentation_seeds, siren
from schemas import schema_path

pytestmark = pytest.mark.e2e
pytest.importorskip("tensorflow_transform")

SIZES = ((8, 8), (20, 31), (13, 9))


def augmenting_preprocessing_fn(inputs, custom_config):
    """What a later paper does: the model's input, and a view of it that training augments."""
    outputs = siren.preprocessing_fn(inputs, custom_config)
    shift = tf.map_fn(
        lambda seed: augmentation_seeds.uniform(augmentation_seeds.fold_in(seed, 1), [1, 1, 1]),
        inputs["augment/seed"],
        fn_output_signature=tf.float32,
    )
    return {siren.VALUES: outputs[siren.VALUES], "augmented/values": outputs[siren.VALUES] + shift}


def run_transform(folder, task, data_root, preprocessing_fn, **settings) -> tuple[str, str]:
    """ExampleGen's records and TensorFlow Transform's output: (TFRecord file, directory)."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx_bsl.public import tfxio

    schema_of_task = {"inpainting": "signal_inpainting", "audio": "signal_audio"}
    schema = schema_pb2.Schema()
    schema_file = schema_path(schema_of_task.get(task, "signal_image"))
    text_format.Parse(schema_file.read_text(), schema)
    settings = {"task": task, "height": 8, "width": 8, "channels": 3, **settings}
    source = SignalSource.from_settings(str(data_root), settings)
    shard = Shard("train", 0, 1, 0, tuple(source.references("train")))
    assert write_shard(source, shard, str(folder))["rejects"] == []
    records = str(folder / shard.file_name)
    reader = tfxio.TFExampleRecord(records, schema=schema, telemetry_descriptors=["test"])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline, tft_beam.Context(str(folder / "tmp")):
        raw = (pipeline | reader.BeamSource(), reader.TensorAdapterConfig())
        transform_fn = raw | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, custom_config=settings)
        )
        _ = transform_fn | tft_beam.WriteTransformFn(str(folder / "transform"))
    # TFX's Transform writes the input's schema beside the function; tf.Transform alone does not.
    write_raw_schema(schema, folder / "transform" / "metadata")
    return records, str(folder / "transform")


def write_raw_schema(schema, folder) -> None:
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

    metadata_io.write_metadata(dataset_metadata.DatasetMetadata(schema), str(folder))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for index in range(3):
        levels = rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)
        Image.fromarray(levels).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def inpainting(film, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inpainting")
    return run_transform(folder, "inpainting", film / "1.png", siren.preprocessing_fn)


@pytest.fixture(scope="module")
def augmenting(film, tmp_path_factory):
    folder = tmp_path_factory.mktemp("augmenting")
    return run_transform(folder, "video", film, augmenting_preprocessing_fn)


def serialized_in(records: str) -> tf.Tensor:
    return tf.stack(list(tf.data.TFRecordDataset(records, compression_type="GZIP")))


def whole_graph(transform_dir: str, records: str) -> dict:
    """Every output, by the way TensorFlow Transform itself offers."""
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(transform_dir)
    raw = tf.io.parse_example(serialized_in(records), output.raw_feature_spec())
    return output.transform_features_layer()(raw)


def export(graph: TransformGraph, directory) -> str:
    """A SavedModel whose signature applies the graph to serialized records."""
    module = tf.Module()
    module.evaluate = tf.function(
        graph.from_serialized, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, str(directory), signatures={"evaluate": module.evaluate})
    return str(directory)


def test_pruned_values_are_bit_equal_to_the_whole_graphs(augmenting):
    records, transform_dir = augmenting
    expected = whole_graph(transform_dir, records)
    for outputs in ([siren.VALUES], ["augmented/values"], [siren.VALUES, "augmented/values"]):
        found = TransformGraph(transform_dir, outputs).from_serialized(serialized_in(records))
        assert sorted(found) == sorted(outputs)
        for name in outputs:
            np.testing.assert_array_equal(found[name].numpy(), expected[name].numpy())


def test_evaluation_needs_neither_seed_nor_mask(inpainting):
    _, transform_dir = inpainting
    graph = TransformGraph(transform_dir, [siren.VALUES, siren.FRAME])
    assert graph.inputs == ("frame/count", "frame/index", "image/encoded")
    assert set(graph.parse_spec) == set(graph.inputs)
    assert TransformGraph(transform_dir, [siren.MASK]).inputs == ("augment/seed",)


def test_no_random_operation_reaches_the_exported_signature(inpainting, tmp_path):
    records, transform_dir = inpainting
    graph = TransformGraph(transform_dir, [siren.VALUES])
    served = export(graph, tmp_path / "served")
    assert random_ops_in(served, "evaluate") == []
    assert not {name for name in parsed_features_in(served, "evaluate") if "augment" in name}
    found = tf.saved_model.load(served).signatures["evaluate"](serialized_in(records))
    expected = whole_graph(transform_dir, records)[siren.VALUES]
    np.testing.assert_array_equal(found[siren.VALUES].numpy(), expected.numpy())


def test_the_walk_finds_random_operations_inside_loops(inpainting, tmp_path):
    _, transform_dir = inpainting
    served = export(TransformGraph(transform_dir, [siren.MASK, siren.VALUES]), tmp_path / "served")
    found = random_ops_in(served, "evaluate")
    assert found
    assert all("Random" in operation for operation in found)
    assert "augment/seed" in parsed_features_in(served, "evaluate")


def test_unknown_signature_is_refused(inpainting, tmp_path):
    served = export(TransformGraph(inpainting[1], [siren.VALUES]), tmp_path / "served")
    with pytest.raises(TrainingError, match="no signature `predict`"):
        random_ops_in(served, "predict")


def test_unknown_output_is_refused(inpainting):
    with pytest.raises(TrainingError, match="lacks outputs") as caught:
        TransformGraph(inpainting[1], ["signal/volume"])
    assert siren.VALUES in caught.value.expected


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_examples_come_in_order_whatever_the_batch(augmenting, batch_size):
    records, transform_dir = augmenting
    expected = whole_graph(transform_dir, records)["augmented/values"].numpy()
    batches = read_examples([records], transform_dir, ["augmented/values"], batch_size)
    found = np.concatenate([batch["augmented/values"].numpy() for batch in batches])
    np.testing.assert_array_equal(found, expected)
    assert batches.element_spec["augmented/values"].shape.as_list() == [None, 8, 8, 3]


def test_another_seed_gives_another_view_of_the_same_values(augmenting):
    records, transform_dir = augmenting
    graph = TransformGraph(transform_dir, [siren.VALUES, "augmented/values"])
    features = tf.io.parse_example(serialized_in(records), graph.parse_spec)
    views = []
    for epoch in (0, 1, 0):
        seed = augmentation_seeds.epoch_seed(features["augment/seed"], 0, epoch)
        views.append(graph({**features, "augment/seed": seed}))
    for view in views:
        np.testing.assert_array_equal(view[siren.VALUES], views[0][siren.VALUES])
    np.testing.assert_array_equal(views[0]["augmented/values"], views[2]["augmented/values"])
    assert np.all(np.asarray(views[0]["augmented/values"] != views[1]["augmented/values"]))


def test_sound_stays_ragged_and_is_divided_by_its_peak(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0.1, -0.4, 0.2], np.float32))
    records, transform_dir = run_transform(tmp_path, "audio", tmp_path, siren.preprocessing_fn)
    (batch,) = read_examples([records], transform_dir, [siren.VALUES, siren.RATE])
    assert isinstance(batch[siren.VALUES], tf.RaggedTensor)
    np.testing.assert_allclose(batch[siren.VALUES].to_list(), [[0.25, -1.0, 0.5]], rtol=1e-6)
    assert batch[siren.RATE].numpy().tolist() == [[8000]]
