"""Shapes of the networks: the authors' at 128 pixels, and what other sizes make of them."""

from __future__ import annotations

import pytest

from components.errors import ConfigError
from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.network_config import NetworkConfig, PatchGeometry


def test_the_authors_shape() -> None:
    config = NetworkConfig()
    assert config.generator_channels == (1024, 512, 256, 128, 64, 64)
    assert config.discriminator_channels == (64, 128, 256, 512, 1024)
    assert config.narrowing_channels == (512,)
    assert config.num_backgrounds == 200
    assert config.patch_geometry == PatchGeometry(126, 34, 4, 24)


@pytest.mark.parametrize(
    ("side", "generator", "discriminator", "narrowing", "geometry"),
    [
        (32, (16, 8, 4, 4), (2, 4, 8), (), PatchGeometry(30, 22, 2, 5)),
        (64, (32, 16, 8, 4, 4), (2, 4, 8, 16), (), PatchGeometry(62, 34, 4, 8)),
        (
            256,
            (64, 32, 16, 8, 4, 4, 4),
            (2, 4, 8, 16, 32, 64),
            (32, 16),
            PatchGeometry(254, 34, 4, 56),
        ),
    ],
)
def test_other_sizes(
    side: int,
    generator: tuple[int, ...],
    discriminator: tuple[int, ...],
    narrowing: tuple[int, ...],
    geometry: PatchGeometry,
) -> None:
    config = NetworkConfig(image_size=side, generator_width=4, discriminator_width=2)
    assert config.generator_channels == generator
    assert config.discriminator_channels == discriminator
    assert config.narrowing_channels == narrowing
    assert config.patch_geometry == geometry
    # The last patch ends with the image.
    end = geometry.receptive_field + geometry.stride * (geometry.patches - 1)
    assert end == geometry.image_size == side - 2


@pytest.mark.parametrize(
    "fields",
    [
        {"image_size": 16},
        {"image_size": 100},
        {"generator_width": 6},
        {"children": 10, "parents": 11},
        {"noise_size": 0},
        {"backgrounds": 0},
        {"residual_blocks": -1},
    ],
)
def test_impossible_shapes_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="network"):
        NetworkConfig(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"batch_size": 1},
        {"hard_negative_steps": -1},
        {"candidate_batches": 0},
        {"average_decay": 1.0},
        {"beta_1": -0.1},
        {"background_weight": -1.0},
    ],
)
def test_recipes_out_of_range_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="experiment"):
        FineGanExperiment(**fields)
