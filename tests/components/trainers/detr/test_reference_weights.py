from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from tiny_detr import tiny_network

from components.errors import DataError
from components.trainers.detr.model import Detr, build_model
from components.trainers.detr.reference_weights import (
    LoadedPart,
    in_reference_order,
    load_reference_weights,
    variables_by_reference_name,
)

Arrays = dict[str, np.ndarray]


def authors_arrays(model: Detr) -> Arrays:
    """A network's weights as the authors would store them."""
    variables = variables_by_reference_name(model)
    return {name: in_reference_order(one, name) for name, one in variables.items()}


def assert_same(first: Detr, second: Detr) -> None:
    for one, other in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def network(seed: int = 0, **changes: Any) -> Detr:
    return build_model(tiny_network(**changes), seed)


# Hugging Face's names, from the authors': a list independent of the one under test.
HUGGING_FACE = [
    (r"^input_proj", "model.input_projection"),
    (r"^query_embed", "model.query_position_embeddings"),
    (r"^class_embed", "class_labels_classifier"),
    (r"^bbox_embed", "bbox_predictor"),
    (r"^transformer\.decoder\.norm", "model.decoder.layernorm"),
    (r"^transformer\.(encoder\.layers\.\d+)\.norm1", r"model.\1.self_attn_layer_norm"),
    (r"^transformer\.(encoder\.layers\.\d+)\.norm2", r"model.\1.final_layer_norm"),
    (r"^transformer\.(decoder\.layers\.\d+)\.norm1", r"model.\1.self_attn_layer_norm"),
    (r"^transformer\.(decoder\.layers\.\d+)\.norm2", r"model.\1.encoder_attn_layer_norm"),
    (r"^transformer\.(decoder\.layers\.\d+)\.norm3", r"model.\1.final_layer_norm"),
    (r"^transformer\.(.*)\.multihead_attn", r"model.\1.encoder_attn"),
    (r"^transformer\.(.*)\.linear", r"model.\1.fc"),
    (r"^transformer\.", "model."),
    (r"^backbone\.0\.body\.", "model.backbone.conv_encoder.model."),
]
NATIVE_BACKBONE = [
    (r"model\.conv1\.", "model.embedder.embedder.convolution."),
    (r"model\.bn1\.", "model.embedder.embedder.normalization."),
    (
        r"layer(\d)\.(\d+)\.downsample\.0",
        lambda m: f"encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.shortcut.convolution",
    ),
    (
        r"layer(\d)\.(\d+)\.downsample\.1",
        lambda m: f"encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.shortcut.normalization",
    ),
    (
        r"layer(\d)\.(\d+)\.conv(\d)",
        lambda m: f"encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.layer.{int(m[3]) - 1}.convolution",
    ),
    (
        r"layer(\d)\.(\d+)\.bn(\d)",
        lambda m: (
            f"encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.layer.{int(m[3]) - 1}.normalization"
        ),
    ),
]


def hugging_face_arrays(authors: Arrays, native_backbone: bool) -> Arrays:
    arrays: Arrays = {}
    for name, array in authors.items():
        prefix = "detr." if name.startswith("detr.") else ""
        theirs = name.removeprefix(prefix)
        if not theirs.startswith(("bbox_attention", "mask_head")):
            for pattern, replacement in HUGGING_FACE + NATIVE_BACKBONE * native_backbone:
                theirs = re.sub(pattern, replacement, theirs)
        theirs = prefix + theirs
        if "in_proj_" in theirs:
            parts = np.split(array, 3)
            for part, letter in zip(parts, "qkv", strict=True):
                arrays[theirs.replace("in_proj_", f"{letter}_proj.")] = part
        else:
            arrays[theirs] = array
    return arrays


@pytest.mark.parametrize("changes", [{}, {"masks": True}, {"positions": "learned"}])
def test_the_authors_names(changes: dict[str, Any]) -> None:
    source, target = network(1, **changes), network(2, **changes)
    assert load_reference_weights(target, authors_arrays(source)) is LoadedPart.EVERYTHING
    assert_same(source, target)


@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize("native_backbone", [False, True])
def test_hugging_faces_names(native_backbone: bool, masks: bool) -> None:
    source, target = network(1, masks=masks), network(2, masks=masks)
    arrays = hugging_face_arrays(authors_arrays(source), native_backbone)
    known = "detr.class_labels_classifier.weight" if masks else "class_labels_classifier.weight"
    assert known in arrays
    assert "transformer.encoder.layers.0.self_attn.in_proj_weight" not in arrays
    assert load_reference_weights(target, arrays) is LoadedPart.EVERYTHING
    assert_same(source, target)


def test_torchvisions_resnet_is_the_backbone_alone() -> None:
    source, target, before = network(1), network(2), network(2)
    prefix = "backbone.0.body."
    arrays = {
        name.removeprefix(prefix): array
        for name, array in authors_arrays(source).items()
        if name.startswith(prefix)
    }
    arrays |= {"fc.weight": np.zeros((1000, 128)), "fc.bias": np.zeros(1000)}
    arrays["bn1.num_batches_tracked"] = np.int64(7)
    assert load_reference_weights(target, arrays) is LoadedPart.BACKBONE
    assert_same(source.backbone, target.backbone)
    assert_same(before.transformer, target.transformer)


def test_a_detector_goes_into_a_network_with_a_mask_head() -> None:
    source = build_model(tiny_network(hidden=128, heads=8), 1)
    target, before = network(2, masks=True), network(2, masks=True)
    assert load_reference_weights(target, authors_arrays(source)) is LoadedPart.DETECTOR
    assert_same(source.transformer, target.transformer)
    assert_same(source.backbone, target.backbone)
    assert before.mask_head is not None
    assert_same(before.mask_head, target.mask_head)


def test_a_missing_and_an_unknown_name_are_named() -> None:
    arrays = authors_arrays(network())
    arrays["class_embed.weights"] = arrays.pop("class_embed.weight")
    with pytest.raises(DataError, match=r"(?s)class_embed\.weights.*class_embed\.weight"):
        load_reference_weights(network(), arrays)


def test_a_network_of_other_classes_is_refused_and_left_alone() -> None:
    target, before = network(2), network(2)
    with pytest.raises(DataError, match="class_embed"):
        load_reference_weights(target, authors_arrays(network(1, classes=9)))
    assert_same(target, before)


def test_half_an_attention_is_refused() -> None:
    arrays = hugging_face_arrays(authors_arrays(network()), native_backbone=False)
    del arrays["model.encoder.layers.0.self_attn.k_proj.weight"]
    with pytest.raises(DataError, match="in_proj_weight"):
        load_reference_weights(network(), arrays)
