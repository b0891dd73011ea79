"""TFX's own Evaluator on exported models: what it measures, blesses and refuses, in which words."""

import json

import numpy as np
import pytest

pytest.importorskip("tfx")

import tensorflow as tf
from google.protobuf import json_format
from tfx.components.evaluator.executor import Executor
from tfx.types import artifact_utils, standard_artifacts

from components.evaluators.eval_config import build_eval_config
from components.evaluators.evaluation_config import EvaluationConfig, Gate
from components.evaluators.image_quality import psnr, ssim, unit_squared_error
from components.evaluators.squared_error import (
    SquaredErrorSum,
    peak_signal_to_noise_ratio,
)
from components.evaluators.verdict import read_verdict

SHAPES = ((8, 10, 1), (9, 7, 3), (12, 12, 1))


class Shifted(tf.Module):
    """Predicts the target plus a constant; records of different sizes, padded within a batch."""

    def __init__(self, shift):
        super().__init__()
        self.shift = tf.constant(shift, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples):
        parsed = tf.io.parse_example(
            examples,
            {
                "signal": tf.io.RaggedFeature(tf.float32),
                "shape": tf.io.FixedLenFeature([3], tf.int64),
            },
        )
        target = parsed["signal"].to_tensor(0.0)
        return {"prediction": target + self.shift, "target": target, "shape": parsed["shape"]}


def exported(directory, shift, artifact_id):
    module = Shifted(shift)
    path = str(directory / "Format-Serving")
    tf.saved_model.save(module, path, signatures={"evaluate": module.evaluate})
    model = standard_artifacts.Model()
    model.uri, model.id = str(directory), artifact_id
    return model


def signals():
    generator = np.random.default_rng(0)
    return [generator.uniform(-0.9, 0.9, shape).astype(np.float32) for shape in SHAPES]


@pytest.fixture
def examples(tmp_path):
    directory = tmp_path / "examples" / "Split-eval"
    directory.mkdir(parents=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(str(directory / "data-00000-of-00001.gz"), options) as writer:
        for signal in signals():
            example = tf.train.Example()
            example.features.feature["signal"].float_list.value.extend(signal.ravel())
            example.features.feature["shape"].int64_list.value.extend(signal.shape)
            writer.write(example.SerializeToString())
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    artifact.split_names = artifact_utils.encode_split_names(["eval"])
    return artifact


@pytest.fixture
def evaluate(tmp_path, examples):
    def run(name, evaluation, model, baseline=None):
        evaluated = standard_artifacts.ModelEvaluation()
        evaluated.uri = str(tmp_path / name / "evaluation")
        blessing = standard_artifacts.ModelBlessing()
        blessing.uri = str(tmp_path / name / "blessing")
        inputs = {"examples": [examples], "model": [model]}
        if baseline is not None:
            inputs["baseline_model"] = [baseline]
        context = Executor.Context(
            beam_pipeline_args=["--runner=DirectRunner", "--sdk_container_image=local"],
            tmp_dir=str(tmp_path / "tmp"),
            unique_id="1",
        )
        Executor(context).Do(
            inputs,
            {"evaluation": [evaluated], "blessing": [blessing]},
            {
                "eval_config": json_format.MessageToJson(build_eval_config(evaluation)),
                "example_splits": json.dumps(["eval"]),
            },
        )
        return read_verdict(evaluated.uri, blessing.uri, baseline_name="the blessed model of run X")

    return run


@pytest.mark.e2e
def test_the_evaluator_measures_blesses_and_refuses(tmp_path, evaluate):
    perfect = exported(tmp_path / "perfect", 0.0, 1)
    shifted = exported(tmp_path / "shifted", 0.02, 2)
    evaluation = EvaluationConfig(
        ("psnr", "ssim", "mse", "snr"),
        {"psnr": Gate(minimum=30.0, max_drop=0.2), "records_evaluated": Gate(minimum=3, maximum=3)},
    )

    first = evaluate("first", evaluation, shifted)
    pooled = SquaredErrorSum()
    similarity = []
    for signal in signals():
        pooled = pooled.merge(unit_squared_error(signal + np.float32(0.02), signal))
        similarity.append(ssim(signal + np.float32(0.02), signal))
    assert first.blessed
    assert first.baseline_metrics is None
    assert first.metrics["psnr"] == pytest.approx(peak_signal_to_noise_ratio(pooled.mean), abs=1e-4)
    assert first.metrics["psnr"] == pytest.approx(psnr(np.array([0.02]), np.array([0.0])), abs=1e-3)
    assert first.metrics["ssim"] == pytest.approx(np.mean(similarity), abs=1e-6)
    assert first.metrics["mse"] == pytest.approx(0.02**2, rel=1e-4)
    assert first.metrics["records_evaluated"] == 3
    assert first.reasons == [
        "psnr 40 dB >= 30 required",
        "records_evaluated 3 >= 3 required",
        "records_evaluated 3 <= 3 required",
        "there is no earlier blessed model to compare with",
    ]

    worse = evaluate("worse", evaluation, shifted, baseline=perfect)
    assert not worse.blessed
    assert worse.baseline_metrics["psnr"] == 150.0
    assert worse.baseline_metrics["records_evaluated"] == 3
    assert worse.metrics == pytest.approx(first.metrics)
    assert worse.reasons[0] == (
        "psnr fell by 110 dB against the blessed model of run X, a fall of 0.2 is allowed"
    )

    same = evaluate("same", evaluation, perfect, baseline=perfect)
    assert same.blessed
    assert same.metrics["psnr"] == same.metrics["snr"] == 150.0
    assert any("psnr did not change" in reason for reason in same.reasons)

    broken = exported(tmp_path / "broken", float("nan"), 3)
    only_compared = EvaluationConfig(("psnr",), {"psnr": Gate(max_drop=0.2)})
    refused = evaluate("refused", only_compared, broken)
    assert not refused.blessed
    assert refused.reasons[0] == "psnr is not a number"
