"""TFX's own Evaluator on classifiers: values, intervals, slices; gates over all records alone."""

import json

import numpy as np
import pytest

pytest.importorskip("tfx")

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.components.evaluator.executor import Executor
from tfx.types import artifact_utils, standard_artifacts

from components.errors import DataError
from components.evaluators.classification import bootstrap_interval
from components.evaluators.eval_config import build_eval_config
from components.evaluators.evaluation_config import EvaluationConfig, Gate
from components.evaluators.slices import check_slices
from components.evaluators.verdict import read_verdict
from components.example_gens.labelled_image_features import CLASS_LABEL, CLASS_TEXT

CLASSES = 7
METRICS = ("top_1", "top_5", "cross_entropy", "disabled_features")
# Class -> its records, and how many of them are right. Class 6 never is.
RECORDS = {0: (9, 8), 1: (8, 7), 2: (7, 7), 3: (6, 5), 4: (5, 4), 5: (4, 4), 6: (3, 0)}


class Recorded(tf.Module):
    """Gives the logits that stand in the records, times a factor."""

    def __init__(self, factor):
        super().__init__()
        self.factor = tf.constant(factor, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples):
        parsed = tf.io.parse_example(
            examples,
            {
                "logits": tf.io.FixedLenFeature([CLASSES], tf.float32),
                CLASS_LABEL: tf.io.FixedLenFeature([], tf.int64),
            },
        )
        probabilities = tf.nn.softmax(self.factor * parsed["logits"])
        share = tf.fill([tf.shape(examples)[0]], 0.25)
        return {
            "prediction": probabilities,
            "target": parsed[CLASS_LABEL],
            "disabled_features": share,
        }


def exported(directory, factor, artifact_id):
    module = Recorded(factor)
    path = str(directory / "Format-Serving")
    tf.saved_model.save(module, path, signatures={"evaluate": module.evaluate})
    model = standard_artifacts.Model()
    model.uri, model.id = str(directory), artifact_id
    return model


def labels_and_logits():
    generator = np.random.default_rng(0)
    for label, (records, right) in RECORDS.items():
        for number in range(records):
            logits = generator.normal(0, 0.1, CLASSES)
            # What is wrong is not among the five most probable classes either.
            logits[label] += 3.0 if number < right else -3.0
            yield label, logits.astype(np.float32)


@pytest.fixture
def evaluate(tmp_path):
    directory = tmp_path / "examples" / "Split-eval"
    directory.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(directory / "data-00000-of-00001.gz"), "GZIP") as writer:
        for label, logits in labels_and_logits():
            example = tf.train.Example()
            example.features.feature["logits"].float_list.value.extend(logits)
            example.features.feature[CLASS_LABEL].int64_list.value.append(label)
            example.features.feature[CLASS_TEXT].bytes_list.value.append(b"class %d" % label)
            writer.write(example.SerializeToString())
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(["eval"])

    def run(name, evaluation, model, baseline=None):
        evaluated = standard_artifacts.ModelEvaluation()
        evaluated.uri = str(tmp_path / name / "evaluation")
        blessing = standard_artifacts.ModelBlessing()
        blessing.uri = str(tmp_path / name / "blessing")
        context = Executor.Context(
            beam_pipeline_args=["--runner=DirectRunner", "--sdk_container_image=local"],
            tmp_dir=str(tmp_path / "tmp"),
            unique_id="1",
        )
        Executor(context).Do(
            {"examples": [examples], "model": [model]}
            | ({} if baseline is None else {"baseline_model": [baseline]}),
            {"evaluation": [evaluated], "blessing": [blessing]},
            {
                "eval_config": json_format.MessageToJson(build_eval_config(evaluation)),
                "example_splits": json.dumps(["eval"]),
            },
        )
        return read_verdict(evaluated.uri, blessing.uri), evaluated.uri

    return run


def values_by_slice(evaluation_dir):
    """(feature, value) -> metric -> value; () for all records."""
    found = {}
    for metrics in tfma.load_metrics(evaluation_dir):
        keys = tuple(
            (key.column, getattr(key, key.WhichOneof("kind")))
            for key in metrics.slice_key.single_slice_keys
        )
        found[keys[0] if keys else ()] = {
            pair.key.name: pair.value.double_value.value for pair in metrics.metric_keys_and_values
        }
    return found


@pytest.mark.e2e
def test_classes_are_measured_apart_and_gated_together(tmp_path, evaluate):
    evaluation = EvaluationConfig(
        METRICS, {"top_1": Gate(minimum=0.8, max_drop=0.02)}, slices=(CLASS_LABEL, CLASS_TEXT)
    )
    model = exported(tmp_path / "model", 1.0, 2)
    verdict, directory = evaluate("first", evaluation, model)

    records = sum(count for count, _ in RECORDS.values())
    right = sum(hits for _, hits in RECORDS.values())
    low, high = bootstrap_interval(right, records)
    assert verdict.metrics["top_1"] == pytest.approx(right / records)
    assert verdict.metrics["top_1_low"] == pytest.approx(low)
    assert verdict.metrics["top_1_high"] == pytest.approx(high)
    assert verdict.metrics["top_5"] == pytest.approx(right / records)
    assert verdict.metrics["disabled_features"] == 0.25
    logits = np.array([logits for _, logits in labels_and_logits()], np.float64)
    labels = [label for label, _ in labels_and_logits()]
    normalisers = np.log(np.exp(logits).sum(axis=1))
    expected = np.mean(normalisers - logits[np.arange(records), labels])
    assert verdict.metrics["cross_entropy"] == pytest.approx(expected, rel=1e-5)
    # A class that is always wrong does not refuse a model that is good enough over all.
    assert verdict.blessed
    assert verdict.reasons[0] == "top_1 0.8333 >= 0.8 required"

    slices = values_by_slice(directory)
    assert len(slices) == 1 + 2 * CLASSES
    for label, (count, hits) in RECORDS.items():
        for key in ((CLASS_LABEL, label), (CLASS_TEXT, b"class %d" % label)):
            assert slices[key]["records_evaluated"] == count
            assert slices[key]["top_1"] == pytest.approx(hits / count)
            assert slices[key]["top_1_low"] == pytest.approx(bootstrap_interval(hits, count)[0])

    check_slices(directory, build_eval_config(evaluation))
    misnamed = EvaluationConfig(METRICS, slices=(CLASS_LABEL, "image/class/labl"))
    with pytest.raises(DataError, match="no record with image/class/labl"):
        check_slices(directory, build_eval_config(misnamed))

    strict = EvaluationConfig(("top_1",), {"top_1": Gate(minimum=0.9)}, slices=(CLASS_LABEL,))
    refused, _ = evaluate("strict", strict, model)
    assert not refused.blessed
    assert refused.reasons[0] == "top_1 0.8333 < 0.9 required"

    upside_down = exported(tmp_path / "upside_down", -1.0, 3)
    worse, _ = evaluate("worse", evaluation, upside_down, baseline=model)
    assert not worse.blessed
    assert worse.baseline_metrics["top_1"] == pytest.approx(right / records)
    assert any("a fall of 0.02 is allowed" in reason for reason in worse.reasons)

    broken = exported(tmp_path / "broken", float("nan"), 4)
    undefined, _ = evaluate("undefined", EvaluationConfig(METRICS, {"top_1": Gate()}), broken)
    assert not undefined.blessed
    assert undefined.reasons[0] == "top_1 is not a number"
