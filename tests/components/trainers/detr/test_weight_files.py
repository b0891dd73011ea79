from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.errors import DataError
from components.trainers.detr.weight_files import read_weights

ARRAYS = {
    "layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "layer.bias": np.ones(2, np.float32),
}


def assert_read(path: Path) -> None:
    found = read_weights(str(path))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


def write_safetensors(path: Path) -> Path:
    numpy_format = pytest.importorskip("safetensors.numpy")
    numpy_format.save_file(ARRAYS, str(path))
    return path


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", **ARRAYS)
    assert_read(tmp_path / "weights.npz")


def test_safetensors_alone_and_in_a_folder(tmp_path: Path) -> None:
    assert_read(write_safetensors(tmp_path / "model.safetensors"))
    (tmp_path / "config.json").write_text("{}")
    assert_read(tmp_path)


@pytest.mark.parametrize("name", ["weights.npz", "weights.safetensors"])
def test_a_cut_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("npz"):
        np.savez(path, **ARRAYS)
    else:
        write_safetensors(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="cannot be read"):
        read_weights(str(path))


def test_pickles_are_refused_and_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", **{"layer.weight": np.array([object()], object)})
    with pytest.raises(DataError, match="cannot be read"):
        read_weights(str(tmp_path / "weights.npz"))
    with pytest.raises(DataError, match="safetensors"):
        read_weights(str(tmp_path / "detr-r50.pth"))


def test_a_missing_file_and_a_folder_without_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.npz"):
        read_weights(str(tmp_path / "gone.npz"))
    with pytest.raises(DataError, match="holds no weights"):
        read_weights(str(tmp_path))
