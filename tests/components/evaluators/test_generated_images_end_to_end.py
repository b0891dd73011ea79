"""TFMA on a generator's `evaluate` signature: values, intervals, slices, two models, one pass."""

import json
import math

import numpy as np
import pytest

pytest.importorskip("tensorflow_model_analysis")

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.errors import ConfigError
from components.evaluators.benchmark_metrics import benchmark_metric
from components.evaluators.generated_images import GeneratedImages
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.evaluators.generated_images_tfma import GeneratedImageMetric
from components.evaluators.generated_records import read_record

RECORDS = 24
METRICS = (
    "frechet_distance_pixels",
    "kernel_distance_pixels",
    "cluster_nmi_pixels",
    "cluster_accuracy_pixels",
)
CONFIG = GeneratedImagesConfig(feature_network="pixels", groups=3)


class Recorded(tf.Module):
    """Gives the pictures that stand in the records, the generated ones made brighter."""

    def __init__(self, brightness):
        super().__init__()
        self.brightness = tf.constant(brightness, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples):
        picture = tf.io.FixedLenFeature([8, 8, 3], tf.float32)
        number = tf.io.FixedLenFeature([], tf.int64)
        parsed = tf.io.parse_example(
            examples, {"real": picture, "fake": picture, "code": number, "label": number}
        )
        return {
            "real_image": parsed["real"],
            "fake_image": parsed["fake"] + self.brightness,
            "child_code": parsed["code"],
            "label": parsed["label"],
        }


def pictures():
    generator = np.random.default_rng(0)
    for number in range(RECORDS):
        label, code = number % 3, (number // 2) % 3
        real, fake = (
            generator.uniform(-0.3, 0.3, (8, 8, 3)).astype(np.float32) + 0.2 * kind
            for kind in (label, code)
        )
        yield {"real": real, "fake": fake, "code": code, "label": label}


@pytest.fixture
def evaluate(tmp_path):
    records = str(tmp_path / "records")
    with tf.io.TFRecordWriter(records) as writer:
        for record in pictures():
            example = tf.train.Example()
            for name, value in record.items():
                feature = example.features.feature[name]
                if isinstance(value, int):
                    feature.int64_list.value.append(value)
                else:
                    feature.float_list.value.extend(value.ravel())
            writer.write(example.SerializeToString())

    def run(brightnesses, options):
        specs, models = [], []
        for name, brightness in brightnesses.items():
            module, path = Recorded(brightness), str(tmp_path / (name or "model"))
            tf.saved_model.save(module, path, signatures={"evaluate": module.evaluate})
            specs.append(
                config_pb2.ModelSpec(
                    name=name, signature_name="evaluate", is_baseline=name == "baseline"
                )
            )
            models.append(path)
        metrics = [
            config_pb2.MetricConfig(
                class_name=benchmark_metric(name).class_name,
                module=benchmark_metric(name).module,
                config=json.dumps({"name": name, **options.get(name, {})}),
            )
            for name in METRICS
        ]
        eval_config = config_pb2.EvalConfig(
            model_specs=specs,
            slicing_specs=[
                config_pb2.SlicingSpec(),
                config_pb2.SlicingSpec(feature_keys=["label"]),
            ],
            metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
        )
        shared = [
            tfma.default_eval_shared_model(path, eval_config=eval_config, model_name=spec.name)
            for path, spec in zip(models, specs, strict=True)
        ]
        output = str(tmp_path / "output")
        tfma.run_model_analysis(
            shared if len(shared) > 1 else shared[0],
            eval_config,
            data_location=records,
            output_path=output,
        )
        return values(output)

    return run


def values(output):
    """(model, slice) -> metric -> value."""
    found = {}
    for metrics in tfma.load_metrics(output):
        keys = metrics.slice_key.single_slice_keys
        for pair in metrics.metric_keys_and_values:
            if not pair.key.is_diff:
                key = (pair.key.model_name, keys[0].int64_value if keys else None)
                found.setdefault(key, {})[pair.key.name] = pair.value.double_value.value
    return found


def expected(brightness):
    images = GeneratedImages(CONFIG)
    for record in pictures():
        outputs = {
            "real_image": record["real"],
            "fake_image": record["fake"] + np.float32(brightness),
            "child_code": record["code"],
            "label": record["label"],
        }
        read = read_record(outputs, CONFIG)
        images.real.add(read.real)
        images.generated.add(read.generated)
    return {
        name + ending: value
        for name, quantity in zip(
            METRICS, ("frechet_distance", "kernel_distance", "nmi", "accuracy"), strict=True
        )
        for ending, value in zip(("", "_low", "_high"), images.measure(quantity), strict=True)
    }


def same(found, wanted):
    # Levels are rounded: a float32 sum on the edge of one may fall to either side.
    assert {name for name in found if not name.startswith("records")} == set(wanted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-6), name


@pytest.mark.e2e
def test_two_models_are_measured_together_and_by_slices(evaluate):
    found = evaluate({"candidate": 0.0, "baseline": 0.3}, CONFIG.metric_options(METRICS))
    same(found["candidate", None], expected(0.0))
    same(found["baseline", None], expected(0.3))
    assert {key for key in found if key[0] == "candidate"} == {
        ("candidate", label) for label in (None, 0, 1, 2)
    }
    worse = found["baseline", None]["frechet_distance_pixels"]
    assert worse > found["candidate", None]["frechet_distance_pixels"]


@pytest.mark.e2e
def test_a_network_without_a_file_needs_no_options_and_a_broken_model_has_no_value(evaluate):
    found = evaluate({"": math.nan}, {})["", None]
    assert math.isnan(found["frechet_distance_pixels"])
    assert math.isnan(found["kernel_distance_pixels_high"])


def test_metrics_of_one_network_share_one_computation():
    computations = [
        computation
        for name in METRICS
        for computation in GeneratedImageMetric(name, groups=3).computations()
    ]
    shared = {one for one in computations if isinstance(one, tfma.metrics.MetricComputation)}
    assert len(shared) == 1
    assert len(computations) == 2 * len(METRICS)


def test_a_metric_by_another_network_than_its_name_says_is_refused():
    with pytest.raises(ConfigError, match="is by another feature network"):
        GeneratedImageMetric("frechet_distance_pixels", feature_network="random_convolutions")
    with pytest.raises(ConfigError, match="network_path"):
        GeneratedImageMetric("fid")
    with pytest.raises(ConfigError, match="unknown metric of generated images"):
        GeneratedImageMetric("frechet_distance")
