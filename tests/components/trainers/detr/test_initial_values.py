from __future__ import annotations

import numpy as np
import pytest
from tiny_detr import tiny_network

from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.model import build_model
from components.trainers.detr.reference_weights import variables_by_reference_name


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """Of a network wide enough for its largest weights to be near their bounds."""
    model = build_model(tiny_network(masks=True, hidden=256, feed_forward=64, queries=20))
    return {name: np.asarray(one) for name, one in variables_by_reference_name(model).items()}


ENCODER = "detr.transformer.encoder.layers.0."
BOUNDS = {
    ENCODER + "self_attn.in_proj_weight": np.sqrt(6 / (256 + 768)),
    ENCODER + "self_attn.out_proj.weight": np.sqrt(6 / 512),
    ENCODER + "linear1.weight": np.sqrt(6 / (256 + 64)),
    ENCODER + "linear1.bias": 1 / 16,
    ENCODER + "linear2.bias": 1 / 8,
    "detr.class_embed.weight": 1 / 16,
    "detr.bbox_embed.layers.1.bias": 1 / 16,
    "detr.input_proj.weight": 1 / np.sqrt(128),
    "bbox_attention.q_linear.weight": np.sqrt(6 / 512),
    "mask_head.lay1.weight": np.sqrt(3 / (9 * 264)),
    "mask_head.adapter1.weight": np.sqrt(3 / 64),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_uniform_weights_reach_their_bounds(weights: dict[str, np.ndarray], name: str) -> None:
    assert 0.9 * BOUNDS[name] < np.abs(weights[name]).max() <= BOUNDS[name] * (1 + 1e-6)


def test_what_starts_at_zero_and_what_is_normal(weights: dict[str, np.ndarray]) -> None:
    for name in ("self_attn.in_proj_bias", "self_attn.out_proj.bias"):
        assert not weights[ENCODER + name].any()
    for name in ("bbox_attention.k_linear.bias", "mask_head.lay3.bias"):
        assert not weights[name].any()
    assert abs(weights["detr.query_embed.weight"].std() - 1.0) < 0.05


def test_every_array_has_a_stream_of_its_own() -> None:
    first, second = InitialValues(5), InitialValues(5)
    second.normal((3,))
    first.normal((100,))
    np.testing.assert_array_equal(first.normal((4,)), second.normal((4,)))
    assert not np.array_equal(InitialValues(6).normal((4,)), InitialValues(5).normal((4,)))
