"""Weights of others, under the authors' parameter names.

The authors' state dicts of detectors name `backbone.0.body.…`, `transformer.…`, `class_embed.…`;
those with a mask head put `detr.` before these, beside `bbox_attention.…` and `mask_head.…`. Names
of Hugging Face's checkpoints are translated (`hugging_face_names.py`), those of torchvision's
ImageNet ResNets stand for the backbone. Kernels are stored (out, in, height, width) there and
(height, width, in, out) here, matrices (out, in) there and (in, out) here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.trainers.detr.attention import MultiHeadAttention
from components.trainers.detr.backbone import Backbone, NormedConvolution
from components.trainers.detr.hugging_face_names import authors_names
from components.trainers.detr.layers import Convolution, GroupNorm, LayerNorm, Linear
from components.trainers.detr.mask_head import MaskHead
from components.trainers.detr.model import Detr, Heads
from components.trainers.detr.position_encoding import LearnedEncoding
from components.trainers.detr.transformer import DecoderLayer, EncoderLayer, Transformer

Array: TypeAlias = NDArray[Any]
Named = Iterator[tuple[str, Any]]

DETECTOR = "detr."
BACKBONE = "backbone.0.body."
# PyTorch counts the batches that running statistics have seen, and never reads it; torchvision's
# ResNets end with ImageNet's classifier.
_UNUSED_SUFFIX = ".num_batches_tracked"
_UNUSED = ("fc.weight", "fc.bias")
_TORCHVISION_NAME = "layer1.0.conv1.weight"
# Tables of vectors are stored alike by both, and the authors' input projection is a convolution.
_UNTURNED = ("query_embed.weight", "row_embed.weight", "col_embed.weight")
_CONVOLVED = "input_proj.weight"


class LoadedPart(Enum):
    """Which part of a network was loaded."""

    EVERYTHING = "the whole network"
    DETECTOR = "its detector"
    BACKBONE = "its backbone"


def load_reference_weights(model: Detr, arrays: Mapping[str, Array]) -> LoadedPart:
    """Copies weights into a network of the same shape.

    Args:
        model: From `build_model`.
        arrays: Name -> array: all of a network's weights and no others; or, for a network with a
            mask head, all of a detector without one; or all of its backbone, under torchvision's
            names.

    Returns:
        What was loaded; the rest is as it was.

    Raises:
        DataError: A name is unknown or missing, or a shape does not fit.
    """
    part, given = _in_authors_names(model, arrays)
    variables = variables_by_reference_name(model)
    if part is not LoadedPart.EVERYTHING:
        prefix = _prefix(model) + (BACKBONE if part is LoadedPart.BACKBONE else "")
        variables = {name: one for name, one in variables.items() if name.startswith(prefix)}
    unknown, missing = sorted(set(given) - set(variables)), sorted(set(variables) - set(given))
    if unknown or missing:
        raise DataError(
            f"the weights do not fit the network ({part.value})",
            found="unknown: " + (", ".join(unknown[:5]) or "none"),
            expected="also " + (", ".join(missing[:5]) or "nothing else"),
            fix="check backbone, layers, positions and masks of the section network",
        )
    converted = {name: _converted(name, given[name], variables[name]) for name in variables}
    for name, array in converted.items():
        variables[name].assign(array)
    return part


def variables_by_reference_name(model: Detr) -> dict[str, Any]:
    """The authors' parameter name -> our variable, for parameters and buffers."""
    prefix = _prefix(model)
    variables = {prefix + name: variable for name, variable in _detector(model)}
    if model.mask_head is not None:
        variables |= dict(_mask_head(model.mask_head))
    return variables


def in_reference_order(value: Any, name: str = "") -> Array:
    """An array in our order of axes -> the authors' (the way back of loading).

    Args:
        value: A variable or an array.
        name: The authors', for what is stored in the same order by both.
    """
    array = np.asarray(value)
    if name.endswith(_CONVOLVED):
        return array.T[:, :, None, None]
    if name.endswith(_UNTURNED):
        return array
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T


def _prefix(model: Detr) -> str:
    return "" if model.mask_head is None else DETECTOR


def _in_authors_names(
    model: Detr, arrays: Mapping[str, Array]
) -> tuple[LoadedPart, dict[str, Array]]:
    given = {name: a for name, a in arrays.items() if not name.endswith(_UNUSED_SUFFIX)}
    if _TORCHVISION_NAME in given:
        names = {name: BACKBONE + name for name in given if name not in _UNUSED}
        return LoadedPart.BACKBONE, {
            _prefix(model) + own: given[name] for name, own in names.items()
        }
    given = authors_names(given)
    if model.mask_head is None or any(name.startswith(DETECTOR) for name in given):
        return LoadedPart.EVERYTHING, given
    return LoadedPart.DETECTOR, {DETECTOR + name: array for name, array in given.items()}


def _detector(model: Detr) -> Named:
    yield from ((BACKBONE + name, variable) for name, variable in _backbone(model.backbone))
    if isinstance(model.positions, LearnedEncoding):
        yield "backbone.1.row_embed.weight", model.positions.rows
        yield "backbone.1.col_embed.weight", model.positions.columns
    yield from _weights("input_proj", model.input_projection)
    yield from _transformer(model.transformer)
    yield "query_embed.weight", model.queries
    yield from _heads(model.heads)


def _backbone(backbone: Backbone) -> Named:
    yield from _normed("conv1", "bn1", backbone.stem)
    for prefix, block in backbone.named_blocks:
        for number, convolution in enumerate(block.convolutions, start=1):
            yield from _normed(f"{prefix}.conv{number}", f"{prefix}.bn{number}", convolution)
        if block.shortcut is not None:
            shortcut = f"{prefix}.downsample"
            yield from _normed(f"{shortcut}.0", f"{shortcut}.1", block.shortcut)


def _normed(name: str, norm_name: str, layer: NormedConvolution) -> Named:
    yield f"{name}.weight", layer.kernel
    yield f"{norm_name}.weight", layer.gamma
    yield f"{norm_name}.bias", layer.beta
    yield f"{norm_name}.running_mean", layer.mean
    yield f"{norm_name}.running_var", layer.variance


def _transformer(transformer: Transformer) -> Named:
    for number, encoder in enumerate(transformer.encoder):
        name = f"transformer.encoder.layers.{number}"
        yield from _attention(f"{name}.self_attn", encoder.attention)
        yield from _block(name, encoder)
    for number, decoder in enumerate(transformer.decoder):
        name = f"transformer.decoder.layers.{number}"
        yield from _attention(f"{name}.self_attn", decoder.self_attention)
        yield from _attention(f"{name}.multihead_attn", decoder.cross_attention)
        yield from _block(name, decoder)
    yield from _norm("transformer.decoder.norm", transformer.decoder_norm)


def _attention(name: str, attention: MultiHeadAttention) -> Named:
    yield f"{name}.in_proj_weight", attention.input_kernel
    yield f"{name}.in_proj_bias", attention.input_bias
    yield f"{name}.out_proj.weight", attention.output_kernel
    yield f"{name}.out_proj.bias", attention.output_bias


def _block(name: str, layer: EncoderLayer | DecoderLayer) -> Named:
    yield from _weights(f"{name}.linear1", layer.feed_forward.first)
    yield from _weights(f"{name}.linear2", layer.feed_forward.second)
    for number, norm in enumerate(layer.norms, start=1):
        yield from _norm(f"{name}.norm{number}", norm)


def _heads(heads: Heads) -> Named:
    yield from _weights("class_embed", heads.classes)
    for number, layer in enumerate(heads.boxes):
        yield from _weights(f"bbox_embed.layers.{number}", layer)


def _mask_head(head: MaskHead) -> Named:
    yield from _weights("bbox_attention.q_linear", head.attention.queries)
    yield from _weights("bbox_attention.k_linear", head.attention.keys)
    layers = zip(head.convolutions, head.norms, strict=True)
    for number, (convolution, norm) in enumerate(layers, start=1):
        yield from _weights(f"mask_head.lay{number}", convolution)
        yield from _norm(f"mask_head.gn{number}", norm)
    yield from _weights("mask_head.out_lay", head.output_convolution)
    for number, adapter in enumerate(head.adapters, start=1):
        yield from _weights(f"mask_head.adapter{number}", adapter)


def _weights(name: str, layer: Linear | Convolution) -> Named:
    yield f"{name}.weight", layer.kernel
    yield f"{name}.bias", layer.bias


def _norm(name: str, norm: LayerNorm | GroupNorm) -> Named:
    yield f"{name}.weight", norm.gamma
    yield f"{name}.bias", norm.beta


def _converted(name: str, array: Array, variable: Any) -> Array:
    own = np.asarray(array, np.float32)
    if name.endswith(_CONVOLVED) and own.shape[2:] == (1, 1):
        own = own[:, :, 0, 0]
    if not name.endswith(_UNTURNED):
        own = own.transpose(2, 3, 1, 0) if own.ndim == 4 else own.T
    if own.shape != tuple(variable.shape):
        raise DataError(
            f"the weight {name!r} does not fit the network",
            found=f"shape {np.shape(array)}",
            expected=f"{tuple(variable.shape)}, in the order of our axes",
            fix="check widths, classes and queries of the section network",
        )
    return own
