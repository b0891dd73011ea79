"""The authors' weights by name, from arrays and from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.errors import DataError
from components.trainers.siren.model import build_model
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.reference_weights import (
    load_reference_weights,
    network_config_of,
    read_reference_weights,
)

CONFIG = NetworkConfig(in_features=3, out_features=2, hidden_features=4, hidden_layers=1)
SHAPES = {0: (4, 3), 1: (4, 4), 2: (2, 4)}


def weights(name_format: str = "net.net.{layer}.0.{kind}") -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    arrays = {}
    for layer, shape in SHAPES.items():
        for kind, size in (("weight", shape), ("bias", shape[:1])):
            name = name_format.format(layer=layer, kind=kind)
            arrays[name] = generator.normal(size=size).astype(np.float32)
    return arrays


def test_kernels_are_transposed_into_place() -> None:
    model, arrays = build_model(CONFIG), weights()
    load_reference_weights(model, arrays)
    for layer in SHAPES:
        found = model.linear_layers[layer]
        np.testing.assert_array_equal(found.kernel.numpy().T, arrays[f"net.net.{layer}.0.weight"])
        np.testing.assert_array_equal(found.bias.numpy(), arrays[f"net.net.{layer}.0.bias"])


def test_the_notebooks_names_work_too() -> None:
    arrays = weights("net.{layer}.linear.{kind}")
    arrays["net.2.weight"] = arrays.pop("net.2.linear.weight")
    arrays["net.2.bias"] = arrays.pop("net.2.linear.bias")
    model = build_model(CONFIG)
    load_reference_weights(model, arrays)
    np.testing.assert_array_equal(model.linear_layers[2].kernel.numpy().T, arrays["net.2.weight"])


def test_the_shape_of_a_network_is_read_from_its_weights() -> None:
    assert network_config_of(weights()) == CONFIG
    with pytest.raises(DataError, match="not those of a network"):
        network_config_of({"something": np.zeros(3)})


def test_rbf_centres_come_along_and_the_unused_frequency_does_not() -> None:
    config = NetworkConfig(hidden_features=4, hidden_layers=1, encoding="rbf", rbf_centres=3)
    arrays = {
        "rbf_layer.centres": np.full((3, 2), 0.5),
        "rbf_layer.sigmas": np.full(3, 7.0),
        "rbf_layer.freq": np.full((1, 3), np.pi),
        "net.net.0.0.weight": np.zeros((4, 3)),
        "net.net.0.0.bias": np.zeros(4),
        "net.net.1.0.weight": np.zeros((4, 4)),
        "net.net.1.0.bias": np.zeros(4),
        "net.net.2.0.weight": np.zeros((1, 4)),
        "net.net.2.0.bias": np.zeros(1),
    }
    model = build_model(config)
    load_reference_weights(model, arrays)
    assert set(model.encoding.centres.numpy().ravel()) == {0.5}
    assert set(model.encoding.sharpness.numpy()) == {7.0}


def test_what_does_not_fit_is_named_and_nothing_is_loaded() -> None:
    model = build_model(CONFIG)
    before = model.get_weights()
    missing, unknown, misshapen = weights(), weights(), weights()
    del missing["net.net.1.0.bias"]
    unknown["net.net.3.0.bias"] = np.zeros(2)
    misshapen["net.net.1.0.weight"] = np.zeros((4, 5))
    for arrays, message in (
        (missing, r"incomplete[\s\S]*1\.bias"),
        (unknown, r"net\.net\.3\.0\.bias"),
        (misshapen, r"\(4, 5\)[\s\S]*\(4, 4\)"),
    ):
        with pytest.raises(DataError, match=message):
            load_reference_weights(model, arrays)
    for left, right in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_parameter_given_under_both_names_is_refused() -> None:
    arrays = weights() | {"net.0.linear.bias": np.zeros(4, np.float32)}
    with pytest.raises(DataError, match=r"net\.0\.linear\.bias"):
        load_reference_weights(build_model(CONFIG), arrays)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_files_give_back_what_was_saved(tmp_path: Path, suffix: str) -> None:
    path, arrays = tmp_path / f"weights{suffix}", weights()
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        pytest.importorskip("safetensors.numpy").save_file(arrays, path)
    found = read_reference_weights(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_damaged_files_are_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(DataError, match=path.name):
        read_reference_weights(path)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    pickled = tmp_path / "weights.npz"
    np.savez(pickled, names=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="pickle"):
        read_reference_weights(pickled)
    with pytest.raises(DataError, match="run code"):
        read_reference_weights(tmp_path / "model.pth")
