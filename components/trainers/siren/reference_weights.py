"""The authors' released weights, under the authors' parameter names.

The scripts' networks call them `net.net.<layer>.0.weight` and `.bias`, the notebook's
`net.<layer>.linear.weight` and, for the last layer, `net.<layer>.weight`. Linear weights are stored
(out, in) there and (in, out) here.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from components.errors import DataError, StackError
from components.trainers.siren.network_config import NetworkConfig

Array: TypeAlias = NDArray[Any]

_SCRIPT_NAME = re.compile(r"net\.net\.(\d+)\.0\.(weight|bias)")
_NOTEBOOK_NAME = re.compile(r"net\.(\d+)\.(?:linear\.)?(weight|bias)")
_ENCODING_NAMES = {"rbf_layer.centres": "centres", "rbf_layer.sigmas": "sharpness"}

# A parameter that the authors' RBF layer holds and never reads.
_UNUSED_NAMES = frozenset({"rbf_layer.freq"})


def load_reference_weights(model: keras.Model, arrays: Mapping[str, Array]) -> None:
    """Copies the authors' parameters into a network of the same shape.

    Args:
        model: From `build_model`.
        arrays: The authors' parameter name -> array. All of the network's, and no others.

    Raises:
        DataError: A name is unknown, missing or given twice, or a shape does not fit.
    """
    variables = _variables_by_name(model)
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        if name in _UNUSED_NAMES:
            continue
        own_name = _own_name(name)
        if own_name not in variables or own_name in found:
            raise DataError(
                f"the reference weight {name!r} has no place in this network",
                found=name,
                expected=", ".join(sorted(variables)),
                fix="check hidden_layers, nonlinearity and encoding of the network",
            )
        found[own_name] = _converted(name, own_name, array, variables[own_name])
    missing = sorted(set(variables) - set(found))
    if missing:
        raise DataError(
            "the reference weights are incomplete",
            found=", ".join(sorted(arrays)) or "no weights",
            expected="also " + ", ".join(missing),
            fix="check hidden_layers of the network",
        )
    for own_name, array in found.items():
        variables[own_name].assign(array)


def network_config_of(arrays: Mapping[str, Array]) -> NetworkConfig:
    """The shape of the sine network that reference weights belong to.

    Args:
        arrays: The authors' parameter name -> array, of a network without encoding.

    Returns:
        The configuration to build a network with, which the weights then fit.

    Raises:
        DataError: There are not at least two linear layers.
    """
    by_layer = {
        int(own.split(".")[0]): array
        for name, array in arrays.items()
        if (own := _own_name(name)) is not None and own.endswith(".weight")
    }
    kernels = [by_layer[layer] for layer in sorted(by_layer)]
    if len(kernels) < 2:
        raise DataError(
            "the reference weights are not those of a network",
            found=", ".join(sorted(arrays)) or "no weights",
            expected="at least two linear layers, net.net.0.0.weight and so on",
        )
    return NetworkConfig(
        in_features=kernels[0].shape[1],
        out_features=kernels[-1].shape[0],
        hidden_features=kernels[0].shape[0],
        hidden_layers=len(kernels) - 2,
    )


def read_reference_weights(path: str | Path) -> Mapping[str, Array]:
    """Reads weights from a file that can hold nothing but arrays.

    Args:
        path: A `.safetensors` or `.npz` file.

    Returns:
        Parameter name -> array.

    Raises:
        DataError: The file is of another kind, or damaged.
        StackError: A `.safetensors` file, and that package is not installed.
    """
    path = Path(path)
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"cannot read the weights in {path}", found=str(error)) from error
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    raise DataError(
        f"weights in {path} are of a kind that is not read",
        found=path.suffix or "no suffix",
        expected=".safetensors or .npz (pickles, such as .pth, can run code)",
        fix="convert it: safetensors.torch.save_file(torch.load(path, weights_only=True), ...)",
    )


def _read_safetensors(path: Path) -> Mapping[str, Array]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise StackError(
            f"reading {path} needs the package safetensors", fix="pip install safetensors"
        ) from error
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read the weights in {path}", found=str(error)) from error


def _variables_by_name(model: keras.Model) -> dict[str, keras.Variable]:
    variables: dict[str, keras.Variable] = {}
    for index, layer in enumerate(model.linear_layers):
        variables[f"{index}.weight"] = layer.kernel
        variables[f"{index}.bias"] = layer.bias
    if model.config.encoding == "rbf":
        variables |= {name: getattr(model.encoding, name) for name in _ENCODING_NAMES.values()}
    return variables


def _own_name(name: str) -> str | None:
    match = _SCRIPT_NAME.fullmatch(name) or _NOTEBOOK_NAME.fullmatch(name)
    return f"{int(match[1])}.{match[2]}" if match else _ENCODING_NAMES.get(name)


def _converted(name: str, own_name: str, array: Array, variable: keras.Variable) -> Array:
    array = np.asarray(array, np.float32)
    own = array.T if own_name.endswith(".weight") else array
    if own.shape != tuple(variable.shape):
        raise DataError(
            f"the reference weight {name!r} does not fit",
            found=f"shape {array.shape}",
            expected=f"shape {tuple(variable.shape)[::-1]}",
            fix="check in_features, out_features and hidden_features of the network",
        )
    return own
