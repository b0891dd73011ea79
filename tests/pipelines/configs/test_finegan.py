"""FineGAN's presets: the paper's numbers, networks that follow the data, metrics the network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.errors import ConfigError
from components.evaluators.eval_config import build_eval_config
from pipelines.configs.finegan import FineGanConfig
from pipelines.configs.paper_config import resolve_config

INCEPTION = (
    "feature_network=inception_v3",
    "network_path=weights.h5",
    f"network_sha256={'a' * 64}",
)


def config(preset: str, *assignments: str) -> Any:
    return resolve_config(FineGanConfig, preset, assignments).config


def test_the_papers_recipe_for_cub() -> None:
    paper = config("paper")
    assert (paper.training.epochs, paper.training.learning_rate) == (601, 2e-4)
    assert paper.training.total_steps(11_788 // 16) == 600 * 736 + 736
    experiment = paper.experiment
    assert (experiment.batch_size, experiment.hard_negative_steps) == (16, 736)
    assert (experiment.beta_1, experiment.beta_2) == (0.5, 0.999)
    assert (experiment.background_weight, experiment.average_decay) == (10.0, 0.999)
    network = paper.network
    assert (network.image_size, network.parents, network.children) == (128, 20, 200)
    assert (network.generator_width, network.discriminator_width) == (64, 64)
    assert not paper.data.subset and paper.data.trains_on_all
    assert paper.generated_images.images_per_child == 150


@pytest.mark.parametrize(
    ("dataset", "parents", "children", "hard_negative_steps"),
    [("stanford_cars", 20, 196, 509), ("stanford_dogs", 12, 120, 750)],
)
def test_other_data_sets_bring_their_codes_and_the_length_of_the_last_phase(
    dataset: str, parents: int, children: int, hard_negative_steps: int
) -> None:
    paper = config("paper", f"data.dataset={dataset}")
    assert (paper.network.parents, paper.network.children) == (parents, children)
    assert paper.experiment.hard_negative_steps == hard_negative_steps


@pytest.mark.parametrize("preset", FineGanConfig.PRESETS)
@pytest.mark.parametrize("dataset", ["cub", "stanford_cars", "stanford_dogs"])
def test_every_preset_can_be_built_for_every_data_set(preset: str, dataset: str) -> None:
    found = config(preset, f"data.dataset={dataset}", "data.image_size=64")
    if preset != "paper":
        assert found.data.subset
    assert found.network.children == found.data.num_fine_classes
    metrics = (
        build_eval_config(
            found.evaluation, found.generated_images.metric_options(found.evaluation.metrics)
        )
        .metrics_specs[0]
        .metrics
    )
    assert {"ClusterAccuracy", "GeneratedImageMetric"} <= {one.class_name for one in metrics}


def test_networks_follow_the_data_but_for_what_is_given() -> None:
    found = config("small", "data.image_size=32", "fine_classes=12", "network.parents=3")
    assert (found.network.image_size, found.network.children) == (32, 12)
    assert found.network.parents == 3


def test_only_inception_gives_what_is_called_fid() -> None:
    assert "fid" not in config("paper").evaluation.metrics
    found = config("paper", *INCEPTION).evaluation
    assert {"fid", "kid", "inception_score", "cluster_nmi"} <= set(found.metrics)
    assert set(found.gates) == {"fid"}


def test_the_samples_bound_is_of_one_feature_network() -> None:
    [(name, gate)] = config("sample").evaluation.gates.items()
    assert name == "frechet_distance_random_convolutions" and gate.maximum is not None
    [(name, gate)] = config("sample", "feature_network=pixels").evaluation.gates.items()
    assert name == "frechet_distance_pixels" and gate.maximum is None


def test_metrics_are_told_their_network() -> None:
    found = config("paper", *INCEPTION)
    options = found.generated_images.metric_options(found.evaluation.metrics)
    metrics = build_eval_config(found.evaluation, options).metrics_specs[0].metrics
    settings = {one["name"]: one for one in (json.loads(metric.config) for metric in metrics)}
    assert settings["fid"]["network_sha256"] == "a" * 64
    assert settings["cluster_nmi"] == {"name": "cluster_nmi"}


def test_a_metric_by_another_network_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown metric"):
        config("paper", 'evaluation.metrics=["fidd"]')
    found = config("paper", 'evaluation.metrics=["fid"]', "evaluation.gates={}")
    with pytest.raises(ConfigError, match="by another feature network"):
        found.generated_images.metric_options(found.evaluation.metrics)
