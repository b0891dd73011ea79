"""TFMA on a detector's `evaluate` signature: numbers, categories, slices, two models."""

import json
import math

import numpy as np
import pytest

pytest.importorskip("tensorflow_model_analysis")
pytest.importorskip("pycocotools")

import tensorflow as tf
import tensorflow_model_analysis as tfma
from detection_sets import SetKind, box_set, mask_set, pycocotools_scores
from panoptic_sets import PanopticKind, panoptic_outputs, plain_counts, plain_quality
from tensorflow_model_analysis.proto import config_pb2

from components.errors import ConfigError, RunError
from components.evaluators.average_precision_tfma import AverageMetric
from components.evaluators.benchmark_metrics import benchmark_metric
from components.evaluators.category_values import read_category_values
from components.evaluators.coco_categories import PanopticCategories
from components.evaluators.detection_metrics_config import AVERAGE_METRICS, PANOPTIC_METRICS
from components.evaluators.panoptic_quality_tfma import PanopticMetric
from components.evaluators.verdict import read_verdict

IMAGES = 14
METRICS = (*AVERAGE_METRICS, *PANOPTIC_METRICS)
INTEGERS = ("labels", "target_labels", "target_is_crowd")
SEGMENTS = ("ids", "categories")
TARGETS = tuple(
    f"target_{name}" for name in ("labels", "boxes_xyxy", "area", "is_crowd", "mask_rle")
)
STUFF = 118


class Recorded(tf.Module):
    """Gives what stands in the records; the scores turned round where asked."""

    def __init__(self, sign):
        super().__init__()
        self.sign = tf.constant(sign, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples):
        one = tf.io.FixedLenFeature
        several = tf.io.RaggedFeature
        parsed = tf.io.parse_example(
            examples,
            {
                "image_id": one([], tf.int64),
                "original_size": one([2], tf.int64),
                "panoptic_png": one([], tf.string),
                "target_panoptic_png": one([], tf.string),
                **{name: several(tf.int64) for name in INTEGERS},
                **{f"segment_{name}": several(tf.int64) for name in SEGMENTS},
                **{f"target_segment_{name}": several(tf.int64) for name in (*SEGMENTS, "is_crowd")},
                **{name: several(tf.float32) for name in ("scores", "target_area")},
                **{name: several(tf.float32) for name in ("boxes_xyxy", "target_boxes_xyxy")},
                **{name: several(tf.string) for name in ("mask_rle", "target_mask_rle")},
            },
        )
        outputs = {}
        for name, value in parsed.items():
            if isinstance(value, tf.RaggedTensor):
                value = value.to_tensor("" if value.dtype == tf.string else -1)
            if name.endswith("boxes_xyxy"):
                value = tf.reshape(value, [tf.shape(value)[0], -1, 4])
            outputs[name] = value
        return {**outputs, "scores": outputs["scores"] * self.sign}


def records():
    """Images with boxes, masks and segments; labels of stuff among them."""
    kind = SetKind(IMAGES, 3, 6, 12, 1000, grid=0)
    for with_boxes, with_masks in zip(box_set(kind, 0), mask_set(kind, 0), strict=True):
        number, size = with_boxes["image_id"], with_masks["original_size"]
        segments = panoptic_outputs(PanopticKind(tuple(size.tolist())), number)
        image = {**segments, **with_boxes, **with_masks}
        for name in ("scores", "boxes_xyxy", "target_boxes_xyxy", "target_area"):
            image[name] = image[name].astype(np.float32)
        for name in ("labels", "target_labels"):
            image[name] = np.where(image[name] == 2, STUFF, image[name])
        yield image


def as_example(image):
    example = tf.train.Example()
    for name, value in image.items():
        feature = example.features.feature[name]
        flat = np.ravel(np.array(value, object if isinstance(value, bytes) else None))
        if flat.dtype == object:
            feature.bytes_list.value.extend(flat.tolist())
        elif np.issubdtype(flat.dtype, np.integer):
            feature.int64_list.value.extend(flat.tolist())
        else:
            feature.float_list.value.extend(flat.tolist())
    feature = example.features.feature["half"]
    feature.int64_list.value.append(image["image_id"] % 2)
    return example.SerializeToString()


@pytest.fixture(scope="module")
def images():
    return list(records())


@pytest.fixture(scope="module")
def evaluation_dir(tmp_path_factory, images):
    """An evaluation of a candidate and of a baseline whose scores are turned round."""
    root = tmp_path_factory.mktemp("detection")
    path = str(root / "records")
    with tf.io.TFRecordWriter(path) as writer:
        for image in images:
            writer.write(as_example(image))
    specs = [
        config_pb2.ModelSpec(name="candidate", signature_name="evaluate"),
        config_pb2.ModelSpec(name="baseline", signature_name="evaluate", is_baseline=True),
    ]
    eval_config = config_pb2.EvalConfig(
        model_specs=specs,
        slicing_specs=[config_pb2.SlicingSpec(), config_pb2.SlicingSpec(feature_keys=["half"])],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(
                        class_name=benchmark_metric(name).class_name,
                        module=benchmark_metric(name).module,
                        config=json.dumps({"name": name}),
                    )
                    for name in METRICS
                ]
            )
        ],
    )
    models = []
    for spec, sign in zip(specs, (1.0, -1.0), strict=True):
        module, model = Recorded(sign), str(root / spec.name)
        tf.saved_model.save(module, model, signatures={"evaluate": module.evaluate})
        models.append(
            tfma.default_eval_shared_model(model, eval_config=eval_config, model_name=spec.name)
        )
    output = str(root / "evaluation")
    tfma.run_model_analysis(models, eval_config, data_location=path, output_path=output)
    return output


def things_alone(images):
    """The same without targets of stuff, as COCO's detection task has it."""
    for image in images:
        kept = image["target_labels"] != STUFF
        yield {**image, **{name: image[name][kept] for name in TARGETS}}


def expected(images):
    """Every metric by pycocotools and by the plain loop."""
    things = list(things_alone(images))
    with_boxes = [{k: v for k, v in one.items() if not k.endswith("mask_rle")} for one in things]
    counts = plain_counts(images)
    categories = PanopticCategories()
    return {
        **pycocotools_scores(with_boxes),
        **{f"mask_{name}": value for name, value in pycocotools_scores(things).items()},
        **{
            name: plain_quality(counts, getattr(categories, part or "all"))[quality]
            for name, (quality, part) in PANOPTIC_METRICS.items()
        },
    }


@pytest.mark.e2e
def test_all_numbers_are_the_official_ones_for_both_models_and_each_slice(evaluation_dir, images):
    turned = [{**image, "scores": -image["scores"]} for image in images]
    verdict = read_verdict(evaluation_dir, evaluation_dir)
    wanted = expected(images)
    assert set(verdict.metrics) == set(METRICS)
    assert verdict.metrics == pytest.approx(wanted, abs=1e-9, rel=0, nan_ok=True)
    assert verdict.baseline_metrics == pytest.approx(expected(turned), abs=1e-9, rel=0, nan_ok=True)
    assert verdict.baseline_metrics["ap"] < verdict.metrics["ap"]
    slices = 0
    for metrics in tfma.load_metrics(evaluation_dir):
        for key in metrics.slice_key.single_slice_keys:
            slices += 1
            half = [one for one in images if one["image_id"] % 2 == key.int64_value]
            found = {
                pair.key.name: pair.value.double_value.value
                for pair in metrics.metric_keys_and_values
                if pair.key.model_name == "candidate"
                and not pair.key.is_diff
                and pair.value.HasField("double_value")
            }
            assert found == pytest.approx(expected(half), abs=1e-9, rel=0, nan_ok=True)
    assert slices == 2


@pytest.mark.e2e
def test_categories_are_told_beside_the_means(evaluation_dir, images):
    metrics = read_verdict(evaluation_dir, evaluation_dir).metrics
    for name in ("ap", "mask_ap"):
        found = read_category_values(evaluation_dir, name)
        assert set(found.values) == {1, STUFF}
        assert found.values[1]["ap"] == pytest.approx(metrics[name], abs=1e-9)
        to_find = [
            (one["target_labels"] == 1)
            & (one["target_is_crowd"] == 0)
            & (one["target_area"] <= 1e10)
            for one in images
        ]
        assert found.values[1]["targets"] == sum(int(np.sum(each)) for each in to_find)
        curve = found.curves["precision_50"]
        assert len(found.curves) == 10
        assert np.mean(curve) == pytest.approx(found.values[1]["ap_50"], abs=1e-9)
    segments = read_category_values(evaluation_dir, "pq")
    counts = plain_counts(images)
    for category, values in segments.values.items():
        assert values["matches"] == counts[category]["tp"]
        assert values["pq"] == pytest.approx(plain_quality(counts, [category])["pq"], abs=1e-9)
    assert np.mean([one["pq"] for one in segments.values.values()]) == pytest.approx(metrics["pq"])


@pytest.mark.e2e
def test_what_was_not_measured_by_category_is_said(evaluation_dir, tmp_path):
    with pytest.raises(RunError, match="no values of `ap_50` by category"):
        read_category_values(evaluation_dir, "ap_50")
    with pytest.raises(RunError, match="no values of `ap` by category"):
        read_category_values(str(tmp_path), "ap")


def test_metrics_of_one_kind_share_one_computation():
    for names, metric, kinds in (
        (AVERAGE_METRICS, AverageMetric, 2),
        (PANOPTIC_METRICS, PanopticMetric, 1),
    ):
        computations = [one for name in names for one in metric(name).computations()]
        shared = {one for one in computations if isinstance(one, tfma.metrics.MetricComputation)}
        assert len(shared) == kinds
        assert len(computations) == 2 * len(names)


def test_unknown_names_are_refused():
    for metric in (AverageMetric, PanopticMetric):
        with pytest.raises(ConfigError, match=r"unknown metric of[\s\S]*(ap_50|pq_stuff)"):
            metric("ap_60")


def test_an_evaluation_of_no_images_has_no_numbers():
    for metric in (AverageMetric("ap"), PanopticMetric("pq")):
        shared, derived = metric.computations()
        empty = shared.combiner.extract_output(shared.combiner.create_accumulator())
        [value] = [value for key, value in derived.result(empty).items() if key.name == metric.name]
        assert math.isnan(value)
