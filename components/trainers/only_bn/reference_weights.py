"""The authors' weights (open_lth), under the authors' parameter names.

CIFAR: `conv`, `bn`, `blocks.<i>.conv1`, `.bn1`, `.shortcut.0`, `.shortcut.1`, `fc`; ImageNet, as in
torchvision: `model.conv1`, `model.layer<s>.<i>.conv1`, `.downsample.0`, …, `model.fc`. Kernels are
stored (out, in, height, width) there and (height, width, in, out) here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.trainers.only_bn.layers import BatchNorm, Convolution
from components.trainers.only_bn.model import ResidualBlock, ResNet

Array: TypeAlias = NDArray[Any]

# PyTorch counts the batches that its running statistics have seen, and never reads it.
_UNUSED_SUFFIX = ".num_batches_tracked"
_NORM_NAMES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "running_mean",
    "running_var": "running_variance",
}


def load_reference_weights(model: ResNet, arrays: Mapping[str, Array]) -> None:
    """Copies the authors' parameters and running statistics into a network of the same shape.

    Args:
        model: From `build_model`.
        arrays: The authors' parameter name -> array. All of the network's, and no others.

    Raises:
        DataError: A name is unknown or missing, or a shape does not fit.
    """
    variables = variables_by_reference_name(model)
    given = {name: a for name, a in arrays.items() if not name.endswith(_UNUSED_SUFFIX)}
    unknown, missing = sorted(set(given) - set(variables)), sorted(set(variables) - set(given))
    if unknown or missing:
        raise DataError(
            "the reference weights are not those of this network",
            found="unknown: " + (", ".join(unknown[:5]) or "none"),
            expected="also " + (", ".join(missing[:5]) or "nothing else"),
            fix="check family, depth and width of the network",
        )
    converted = {name: _converted(name, given[name], variables[name]) for name in variables}
    for name, array in converted.items():
        variables[name].assign(array)
    for name, convolution in _convolutions(model):
        if convolution.chosen_values is not None:
            kernel = converted[f"{name}.weight"]
            convolution.chosen_values.assign(kernel[tuple(convolution.positions.T)])


def variables_by_reference_name(model: ResNet) -> dict[str, Any]:
    """The authors' parameter name -> our variable, for parameters and running statistics."""
    variables = {f"{name}.weight": layer.kernel for name, layer in _convolutions(model)}
    for name, norm in _norms(model):
        variables |= {f"{name}.{theirs}": getattr(norm, own) for theirs, own in _NORM_NAMES.items()}
    output = "fc" if model.config.family == "cifar" else "model.fc"
    variables[f"{output}.weight"] = model.output_layer.kernel
    variables[f"{output}.bias"] = model.output_layer.bias
    return variables


def _convolutions(model: ResNet) -> Iterator[tuple[str, Convolution]]:
    cifar = model.config.family == "cifar"
    yield ("conv" if cifar else "model.conv1"), model.stem
    for prefix, block in _blocks(model):
        for number, convolution in enumerate(block.convolutions, start=1):
            yield f"{prefix}.conv{number}", convolution
        if block.shortcut is not None:
            yield f"{prefix}.{_shortcut(model)}.0", block.shortcut


def _norms(model: ResNet) -> Iterator[tuple[str, BatchNorm]]:
    cifar = model.config.family == "cifar"
    yield ("bn" if cifar else "model.bn1"), model.stem_norm
    for prefix, block in _blocks(model):
        for number, norm in enumerate(block.norms, start=1):
            yield f"{prefix}.bn{number}", norm
        if block.shortcut_norm is not None:
            yield f"{prefix}.{_shortcut(model)}.1", block.shortcut_norm


def _blocks(model: ResNet) -> Iterator[tuple[str, ResidualBlock]]:
    if model.config.family == "cifar":
        for index, block in enumerate(model.blocks):
            yield f"blocks.{index}", block
        return
    blocks = iter(model.blocks)
    for segment, count in enumerate(model.config.segments, start=1):
        for index in range(count):
            yield f"model.layer{segment}.{index}", next(blocks)


def _shortcut(model: ResNet) -> str:
    return "shortcut" if model.config.family == "cifar" else "downsample"


def _converted(name: str, array: Array, variable: Any) -> Array:
    own = np.asarray(array, np.float32)
    own = own.transpose(2, 3, 1, 0) if own.ndim == 4 else own.T
    if own.shape != tuple(variable.shape):
        raise DataError(
            f"the reference weight {name!r} does not fit",
            found=f"shape {np.shape(array)}",
            expected=f"{tuple(variable.shape)}, in the order of our axes",
            fix="check width and classes of the network",
        )
    return own
