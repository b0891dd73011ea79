"""DETR against the authors' PyTorch code (facebookresearch/detr at 29901c5), recorded in float32.

Every test states its tolerance: relative, to the largest magnitude of the reference array.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from detr_fixture import Reference, channels_first, read_reference, relative_error

from components.trainers.detr.model import Detections
from components.trainers.detr.position_encoding import sine_encoding

pytestmark = pytest.mark.parity

FEATURES_TOLERANCE = 2e-6
ENCODING_TOLERANCE = 1e-6
STATES_TOLERANCE = 2e-6
OUTPUTS_TOLERANCE = 2e-6


@pytest.fixture(scope="module")
def reference(shared_dir: Path) -> Reference:
    return read_reference(shared_dir, "detr")


@pytest.fixture(scope="module")
def found(reference: Reference) -> Detections:
    return reference.detections(reference.model())


def test_features_of_the_backbone(reference: Reference, found: Detections) -> None:
    features = channels_first(found.features[-1])
    assert relative_error(features, reference.arrays["out/feature_last"]) <= FEATURES_TOLERANCE


def test_padding_of_the_features(reference: Reference, found: Detections) -> None:
    np.testing.assert_array_equal(found.valid, ~reference.arrays["out/feature_mask_last"])


def test_position_encoding(reference: Reference, found: Detections) -> None:
    positions = channels_first(found.positions)
    assert relative_error(positions, reference.arrays["out/pos_last"]) <= ENCODING_TOLERANCE


def test_position_encoding_of_the_paper_on_a_larger_mask(reference: Reference) -> None:
    positions = sine_encoding(tf.constant(~reference.arrays["pos_default/mask"]), 256)
    expected = reference.arrays["pos_default/pos256"]
    assert relative_error(channels_first(positions), expected) <= ENCODING_TOLERANCE


def test_memory_of_the_encoder(reference: Reference, found: Detections) -> None:
    memory = channels_first(found.memory)
    assert relative_error(memory, reference.arrays["out/memory"]) <= STATES_TOLERANCE


def test_states_of_every_decoder_layer(reference: Reference, found: Detections) -> None:
    for layer, expected in enumerate(reference.arrays["out/hs_all_layers"]):
        assert relative_error(found.states[layer], expected) <= STATES_TOLERANCE


@pytest.mark.parametrize(("layer", "recorded"), [(-1, "pred"), (0, "aux0")])
def test_logits_and_boxes(
    reference: Reference, found: Detections, layer: int, recorded: str
) -> None:
    logits, boxes = (reference.arrays[f"out/{recorded}_{name}"] for name in ("logits", "boxes"))
    assert relative_error(found.logits[layer], logits) <= OUTPUTS_TOLERANCE
    assert relative_error(found.boxes_cxcywh[layer], boxes) <= OUTPUTS_TOLERANCE


def test_float64_is_as_near(reference: Reference) -> None:
    """So what is between ours and theirs is the rounding of theirs."""
    found = reference.detections(reference.model("float64"))
    for name, value in (
        ("feature_last", channels_first(found.features[-1])),
        ("hs_all_layers", found.states),
        ("pred_logits", found.logits[-1]),
        ("pred_boxes", found.boxes_cxcywh[-1]),
    ):
        assert relative_error(value, reference.arrays[f"out/{name}"]) <= 1e-6
