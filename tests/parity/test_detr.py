"""DETR against the authors' PyTorch code (facebookresearch/detr at 29901c5), recorded in float32.

Two networks: a detector, and one with a mask head and panoptic classes (`test_detr_panoptic.py` has
what its masks add). Every test states its tolerance: relative, to the largest magnitude of the
reference array.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from detr_fixture import (
    Gradients,
    Reference,
    channels_first,
    gradients_of,
    read_reference,
    relative_error,
)

from components.trainers.detr.adam_w import AdamW
from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.mask_losses import dice_loss, focal_loss
from components.trainers.detr.matching import NOTHING, match, matching_costs
from components.trainers.detr.model import Detections, Detr
from components.trainers.detr.position_encoding import sine_encoding
from components.trainers.detr.post_processing import found_boxes
from components.trainers.detr.reference_weights import variables_by_reference_name
from components.trainers.detr.targets import targets_of
from components.trainers.optimization import apply_gradients

pytestmark = pytest.mark.parity

FEATURES_TOLERANCE = 2e-6
ENCODING_TOLERANCE = 1e-6
STATES_TOLERANCE = 2e-6
OUTPUTS_TOLERANCE = 2e-6
COSTS_TOLERANCE = 4e-6
LOSSES_TOLERANCE = 5e-7
# The authors' norms of large arrays are sums in float32: those of float64 gradients are as far.
NORMS_TOLERANCE = 1e-4
STEP_TOLERANCE = 2e-6
# A convolution's bias ahead of a GroupNorm with a channel a group has no effect: what is recorded
# of its gradient, of magnitude 1e-9, is rounding.
WITHOUT_EFFECT = "mask_head.lay5.bias"
# Height and width that the recorded boxes were scaled to.
ORIGINAL_SIZES = [[480, 640], [427, 267]]


@pytest.fixture(scope="module", params=["detr", "detr_panoptic"])
def reference(request: pytest.FixtureRequest, shared_dir: Path) -> Reference:
    return read_reference(shared_dir, request.param)


@pytest.fixture(scope="module")
def detector(shared_dir: Path) -> Reference:
    return read_reference(shared_dir, "detr")


@pytest.fixture(scope="module")
def model(reference: Reference) -> Detr:
    return reference.model()


@pytest.fixture(scope="module")
def found(reference: Reference, model: Detr) -> Detections:
    return reference.detections(model)


@pytest.fixture(scope="module")
def gradients(reference: Reference, model: Detr) -> Gradients:
    return gradients_of(model, reference.batch)


def test_features_of_the_backbone(reference: Reference, found: Detections) -> None:
    features = channels_first(found.features[-1])
    assert relative_error(features, reference.arrays["out/feature_last"]) <= FEATURES_TOLERANCE


def test_padding_of_the_features(reference: Reference, found: Detections) -> None:
    np.testing.assert_array_equal(found.valid, ~reference.arrays["out/feature_mask_last"])


def test_position_encoding(reference: Reference, found: Detections) -> None:
    positions = channels_first(found.positions)
    assert relative_error(positions, reference.arrays["out/pos_last"]) <= ENCODING_TOLERANCE


def test_position_encoding_of_the_paper_on_a_larger_mask(detector: Reference) -> None:
    positions = sine_encoding(tf.constant(~detector.arrays["pos_default/mask"]), 256)
    expected = detector.arrays["pos_default/pos256"]
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


def test_costs_of_the_last_layer(reference: Reference, found: Detections) -> None:
    targets = targets_of(reference.batch)
    costs = matching_costs(found.logits, found.boxes_cxcywh, targets, LossWeights())
    # The authors have all queries of the batch beside all its objects: blocks of it are images.
    starts = np.cumsum([0, *targets.counts])
    queries = reference.config.queries
    names = {"class": costs.classes, "l1": costs.boxes, "neg_giou": costs.overlap}
    for name, values in {**names, "total": costs.total}.items():
        whole = reference.arrays[f"out/cost_{name}"]
        for image, count in enumerate(targets.counts):
            rows, first = slice(image * queries, (image + 1) * queries), starts[image]
            expected = whole[rows, first : first + count]
            assert relative_error(values[-1, image, :, :count], expected) <= COSTS_TOLERANCE


def test_assignments_of_both_layers(reference: Reference, found: Detections) -> None:
    objects = match(
        found.logits, found.boxes_cxcywh, targets_of(reference.batch), LossWeights()
    ).numpy()
    for layer, name in ((-1, "last"), (0, "aux0")):
        for image, (queries, chosen) in enumerate(reference.numbers["matcher"][name]):
            expected = np.full(reference.config.queries, NOTHING)
            expected[queries] = chosen
            np.testing.assert_array_equal(objects[layer, image], expected)


def test_every_loss(reference: Reference, gradients: Gradients) -> None:
    expected = dict(reference.numbers["losses_unweighted"])
    expected["loss"] = reference.numbers["loss_total"]
    assert gradients.terms == pytest.approx(expected, rel=LOSSES_TOLERANCE)


def test_what_trains(reference: Reference, gradients: Gradients) -> None:
    assert set(gradients.by_name) == set(reference.numbers["grad_norms"])
    assert not set(gradients.by_name) & set(reference.numbers["frozen"])


def test_norms_of_the_gradients(reference: Reference, gradients: Gradients) -> None:
    expected = reference.numbers["grad_norms"]
    squares = 0.0
    for name, gradient in gradients.by_name.items():
        norm = np.linalg.norm(gradient.astype(np.float64))
        squares += norm**2
        if name != WITHOUT_EFFECT:
            assert norm == pytest.approx(expected[name], rel=NORMS_TOLERANCE), name
    together = reference.numbers["grad_global_norm"]
    assert np.sqrt(squares) == pytest.approx(together, rel=LOSSES_TOLERANCE)


def test_float64_is_as_far_from_the_authors(detector: Reference) -> None:
    """So what is between ours and theirs is the rounding of theirs."""
    model = detector.model("float64")
    found, gradients = detector.detections(model), gradients_of(model, detector.batch)
    for name, value in (
        ("feature_last", channels_first(found.features[-1])),
        ("hs_all_layers", found.states),
        ("pred_logits", found.logits[-1]),
        ("pred_boxes", found.boxes_cxcywh[-1]),
    ):
        assert relative_error(value, detector.arrays[f"out/{name}"]) <= FEATURES_TOLERANCE
    name = "backbone.0.body.layer4.0.downsample.0.weight"
    norm = np.linalg.norm(gradients.by_name[name])
    assert norm == pytest.approx(detector.numbers["grad_norms"][name], rel=NORMS_TOLERANCE)
    assert norm != pytest.approx(detector.numbers["grad_norms"][name], rel=NORMS_TOLERANCE / 4)


def test_one_clipped_step(reference: Reference, gradients: Gradients) -> None:
    model = reference.model()
    names = {id(variable): name for name, variable in variables_by_reference_name(model).items()}
    variables = model.trainable_variables
    factors = [0.1 if "backbone" in names[id(variable)] else 1.0 for variable in variables]
    optimizer = AdamW(1e-4, factors, decay=1e-4)
    optimizer.build(variables)
    given = [tf.constant(gradients.by_name[names[id(variable)]]) for variable in variables]
    apply_gradients(optimizer, given, variables, clip_norm=0.1)
    for variable in variables:
        name = names[id(variable)]
        expected = reference.numbers["after_1_step_param_norm"][name]
        found = np.linalg.norm(np.asarray(variable, np.float64))
        tolerance = 1.0 if name == WITHOUT_EFFECT else STEP_TOLERANCE
        assert found == pytest.approx(expected, rel=tolerance), name


def test_post_processing_of_boxes(reference: Reference, found: Detections) -> None:
    boxes = found_boxes(found.logits[-1], found.boxes_cxcywh[-1], tf.constant(ORIGINAL_SIZES))
    for image in range(2):
        theirs = {name: reference.arrays[f"post{image}/{name}"] for name in ("scores", "boxes")}
        labels = reference.arrays[f"post{image}/labels"]
        np.testing.assert_array_equal(boxes.labels[image], labels)
        assert relative_error(boxes.scores[image], theirs["scores"]) <= OUTPUTS_TOLERANCE
        assert relative_error(boxes.boxes_xyxy[image], theirs["boxes"]) <= OUTPUTS_TOLERANCE


def test_dice_and_focal_loss(detector: Reference) -> None:
    logits, wanted = (tf.constant(detector.arrays[f"seg_loss/{n}"]) for n in ("in", "target"))
    for name, loss in (("dice_loss", dice_loss), ("focal_loss", focal_loss)):
        expected = detector.numbers[f"{name}(num_boxes=2.5)"]
        found = float(tf.reduce_sum(loss(logits, wanted))) / 2.5
        assert found == pytest.approx(expected, rel=LOSSES_TOLERANCE)
