import math

import pytest

from components.errors import ConfigError
from components.evaluators.benchmark_metrics import BENCHMARK_METRICS, metric_modules
from components.evaluators.evaluation_config import EvaluationConfig, Gate


def test_records_are_always_measured_and_required():
    required = EvaluationConfig(("psnr",), {"psnr": Gate(minimum=30.0)}).with_required_records()
    assert required.metrics == ("psnr", "records_evaluated")
    assert required.gates["records_evaluated"] == Gate(minimum=1.0)
    assert required.gates["psnr"] == Gate(minimum=30.0)


def test_a_required_number_of_records_is_kept():
    gate = Gate(minimum=5.0, maximum=5.0)
    config = EvaluationConfig(gates={"records_evaluated": gate})
    assert config.with_required_records().gates["records_evaluated"] == gate


def test_slices_stay_with_the_required_records():
    config = EvaluationConfig(("top_1",), slices=("image/class/label",))
    assert config.with_required_records().slices == ("image/class/label",)


@pytest.mark.parametrize("slices", [("",), ("a", "b", "a")])
def test_slices_are_different_features(slices):
    with pytest.raises(ConfigError, match="slices"):
        EvaluationConfig(slices=slices)


def test_unknown_metric_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"found: +psnrr[\s\S]*psnr \| ssim"):
        EvaluationConfig(metrics=("psnrr",))


def test_a_gate_on_something_unmeasured_is_an_error():
    with pytest.raises(ConfigError, match=r"not measured[\s\S]*ssim"):
        EvaluationConfig(metrics=("psnr",), gates={"ssim": Gate(minimum=0.9)})


@pytest.mark.parametrize(
    "values",
    [
        {"minimum": math.nan},
        {"max_drop": math.inf},
        {"max_drop": -0.1},
        {"max_rise": -0.1},
        {"max_drop": 0.1, "max_rise": 0.1},
        {"minimum": 2.0, "maximum": 1.0},
    ],
)
def test_a_gate_that_cannot_be_meant_is_an_error(values):
    with pytest.raises(ConfigError, match="gate"):
        Gate(**values)


def test_a_drop_of_nothing_is_a_gate():
    assert Gate(max_drop=0.0).max_drop == 0.0


def test_modules_of_metrics():
    assert metric_modules(["psnr", "ssim"]) == (
        "components.evaluators.image_quality_tfma",
        "components.evaluators.record_count_tfma",
    )
    assert "components.evaluators.audio_quality_tfma" in metric_modules(BENCHMARK_METRICS)


def test_pydantic_reads_it_and_refuses_unknown_keys():
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(EvaluationConfig)
    read = adapter.validate_python({"metrics": ["psnr"], "gates": {"psnr": {"minimum": 30}}})
    assert read == EvaluationConfig(("psnr",), {"psnr": Gate(minimum=30.0)})
    assert adapter.dump_python(read, mode="json")["gates"]["psnr"]["minimum"] == 30.0
    with pytest.raises(pydantic.ValidationError, match="minimun"):
        adapter.validate_python({"gates": {"psnr": {"minimun": 30}}})
