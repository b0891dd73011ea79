"""Paths that are missing or forbidden, and the order of names."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from components.errors import DataError
from components.example_gens import file_access


def test_missing_path_names_the_nearest_folder(tmp_path):
    with pytest.raises(DataError, match="no file or folder") as caught:
        file_access.is_folder(str(tmp_path / "a" / "b.png"))
    assert str(caught.value.found).endswith(str(tmp_path))


def test_file_used_as_a_folder_is_missing(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DataError, match="no file or folder"):
        file_access.read_bytes(str(tmp_path / "file" / "inner"))


def test_reading_a_folder_is_explained(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        file_access.read_bytes(str(tmp_path))


@pytest.fixture
def forbidden_file():
    """A file that this process, even when root started it, may not read for now."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    path = folder / "secret.png"
    path.write_bytes(b"x")
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield path
    if is_root:
        os.seteuid(0)
    shutil.rmtree(folder)


def test_forbidden_file_is_explained(forbidden_file):
    with pytest.raises(DataError, match="no permission to read") as caught:
        file_access.read_bytes(str(forbidden_file))
    assert "chmod" in caught.value.fix
    assert str(os.getuid()) in str(caught.value.found)


def test_names_come_in_natural_order_without_hidden_ones(tmp_path):
    for name in ("frame10.png", "frame2.png", ".DS_Store", "Thumbs.db", "Frame1.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    assert file_access.list_files(str(tmp_path)) == ["Frame1.png", "frame2.png", "frame10.png"]


def test_remote_path_is_read_through_tensorflow():
    import tensorflow as tf

    with tf.io.gfile.GFile("ram://folder/a.txt", "wb") as file:
        file.write(b"abc")
    assert file_access.read_bytes("ram://folder/a.txt") == b"abc"
    assert file_access.is_folder("ram://folder")
    assert not file_access.is_folder("ram://folder/a.txt")
    assert file_access.list_files("ram://folder") == ["a.txt"]
    assert file_access.join("ram://folder/", "a.txt") == "ram://folder/a.txt"
    assert file_access.parent_and_name("ram://folder/a.txt") == ("ram://folder", "a.txt")
    with pytest.raises(DataError, match="no file or folder at ram://folder/b"):
        file_access.read_bytes("ram://folder/b.txt")
