from __future__ import annotations

from typing import Any

import pytest

from components.errors import ConfigError
from components.trainers.detr.network_config import NetworkConfig


def test_the_defaults_are_the_papers() -> None:
    config = NetworkConfig()
    assert config.blocks == (3, 4, 6, 3)
    assert config.segment_channels == (256, 512, 1024, 2048)
    assert config.mask_channels == (264, 128, 64, 32, 16)
    assert NetworkConfig(backbone="resnet101").blocks == (3, 4, 23, 3)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"hidden": 100}, "hidden"),
        ({"hidden": 96, "masks": True}, "mask head"),
        ({"backbone_blocks": (1, 2)}, "backbone_blocks"),
        ({"bottleneck_width": 0}, "bottleneck_width"),
        ({"dropout": 1.0}, "dropout"),
        ({"first_trained_segment": 6}, "first_trained_segment"),
        ({"queries": 0}, "queries"),
    ],
)
def test_shapes_that_no_network_can_have_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        NetworkConfig(**changes)
