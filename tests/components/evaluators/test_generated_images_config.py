import json

import pytest

from components.errors import ConfigError
from components.evaluators.benchmark_metrics import BENCHMARK_METRICS
from components.evaluators.generated_images_config import (
    FEATURE_NETWORKS,
    GENERATED_IMAGE_METRICS,
    GeneratedImagesConfig,
)

INCEPTION = {
    "feature_network": "inception_v3",
    "network_path": "weights.h5",
    "network_sha256": "0" * 64,
}


def test_only_inception_gives_an_inception_distance():
    for name, (network, _) in GENERATED_IMAGE_METRICS.items():
        words = name.split("_")
        if network == "inception_v3":
            assert {"fid", "kid", "inception", "cluster"} & set(words)
        else:
            assert not {"fid", "kid", "inception"} & set(words)
            assert name.endswith(network)
        # What is shown beside the number says which network it is by.
        assert FEATURE_NETWORKS[network] in BENCHMARK_METRICS[name].meaning


def test_names_of_the_default():
    assert GeneratedImagesConfig().metrics == (
        "frechet_distance_random_convolutions",
        "kernel_distance_random_convolutions",
    )
    assert GeneratedImagesConfig(**INCEPTION).metrics == ("fid", "kid", "inception_score")


def test_the_protocol_names_the_weights():
    assert "sha256 000000" in GeneratedImagesConfig(**INCEPTION).protocol
    assert "random" in GeneratedImagesConfig().protocol


def test_options_are_json_and_give_the_configuration_back():
    config = GeneratedImagesConfig(random_seed=3, stored_images=10)
    name = "frechet_distance_random_convolutions"
    options = config.metric_options((name, "records_evaluated"))
    assert set(options) == {name}
    assert GeneratedImagesConfig(**json.loads(json.dumps(options[name]))) == config


def test_a_metric_of_another_network_is_an_error():
    with pytest.raises(ConfigError, match=r"fid is by another[\s\S]*inception_v3"):
        GeneratedImagesConfig().metric_options(("fid",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"feature_network": "inception"}, "unknown feature network"),
        ({"feature_network": "inception_v3"}, "network_path"),
        ({"network_path": "weights.h5"}, "network_path"),
        ({**INCEPTION, "network_sha256": ""}, "need their sha256"),
        ({**INCEPTION, "network_sha256": "ABC"}, "is no sha256"),
        ({"groups": 0}, "groups"),
        ({"stored_images": 1}, "stored_images"),
        ({"images_per_child": 0}, "images_per_child"),
        ({"batch_size": 0}, "batch_size"),
        ({"random_seed": -1}, "random_seed"),
        ({"classifier_deviation": (1.0, 0.0, 1.0)}, "normalisation"),
        ({"classifier_mean": (0.5, 0.5)}, "normalisation"),
    ],
)
def test_what_cannot_be_measured_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        GeneratedImagesConfig(**values)


def test_pydantic_reads_it_and_refuses_unknown_keys():
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(GeneratedImagesConfig)
    assert adapter.validate_python({"groups": 5}).groups == 5
    with pytest.raises(pydantic.ValidationError, match="group_count"):
        adapter.validate_python({"group_count": 5})
