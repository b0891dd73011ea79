"""Archives that are whole, damaged, or try to write where they should not."""

import io
import os
import tarfile
import zipfile

import pytest
from rich.console import Console

from components.errors import DataError, RunError
from pipelines.data_command.progress import ProgressView
from pipelines.data_command.unpacking import unpack

VIEW = ProgressView(Console(file=io.StringIO()))


def tar(path, *members, mode="w:gz"):
    """A tar of (name, content) files and ready-made members."""
    with tarfile.open(path, mode) as packed:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                packed.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                packed.addfile(info, io.BytesIO(member[1]))
    return path


def zipped(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def special(kind, name, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["gz", "xz", "zip"])
def test_files_come_out_as_they_went_in(tmp_path, kind):
    members = [("set/a.txt", b"first"), ("set/inner/b.bin", bytes(100_000))]
    if kind == "zip":
        archive = zipped(tmp_path / "a.zip", *members)
    else:
        archive = tar(tmp_path / "a.tar", *members, mode=f"w:{kind}")
    unpack(archive, tmp_path / "out", VIEW)
    assert contents(tmp_path / "out") == dict(members)


def test_what_an_interrupted_unpacking_left_is_removed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "half").touch()
    unpack(tar(tmp_path / "a", ("set/a", b"x")), tmp_path / "out", VIEW)
    assert contents(tmp_path / "out") == {"set/a": b"x"}


HOSTILE = ["../escaped", "set/../../escaped", "/tmp/papergarden-escaped", "..\\escaped"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("pack", [tar, zipped])
def test_name_that_leads_out_is_refused(tmp_path, pack, name):
    archive = pack(tmp_path / "a", ("set/good", b"x"), (name, b"evil"))
    with pytest.raises(DataError, match="outside of its folder") as caught:
        unpack(archive, tmp_path / "out", VIEW)
    assert name in str(caught.value.found)
    assert os.listdir(tmp_path) == ["a"]
    assert not os.path.exists("/tmp/papergarden-escaped")


@pytest.mark.parametrize(
    "member",
    [
        special(tarfile.SYMTYPE, "set/link", "/etc/passwd"),
        special(tarfile.SYMTYPE, "set", ".."),
        special(tarfile.LNKTYPE, "set/hard", "../a"),
        special(tarfile.FIFOTYPE, "set/pipe"),
        special(tarfile.CHRTYPE, "set/device"),
    ],
)
def test_link_or_device_in_a_tar_is_refused(tmp_path, member):
    archive = tar(tmp_path / "a", member, ("set/through", b"x"))
    with pytest.raises(DataError, match="outside of its folder") as caught:
        unpack(archive, tmp_path / "out", VIEW)
    assert str(caught.value.found).startswith(("link", "device"))
    assert os.listdir(tmp_path) == ["a"]


def test_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("set/link")
    info.external_attr = 0o120777 << 16
    archive = zipped(tmp_path / "a", (info, "/etc/passwd"))
    with pytest.raises(DataError, match="outside of its folder"):
        unpack(archive, tmp_path / "out", VIEW)


@pytest.mark.parametrize(
    ("pack", "damage"),
    [
        (tar, lambda content: content[:12_000]),
        (zipped, lambda content: content[:12_000]),
        (zipped, lambda content: content[:12_000] + bytes(100) + content[12_100:]),
    ],
)
def test_damaged_archive_leaves_nothing(tmp_path, pack, damage):
    archive = pack(tmp_path / "a", *((f"set/{n}", os.urandom(5_000)) for n in range(5)))
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out", VIEW)
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b but no gzip"])
def test_file_that_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(tmp_path / "a", tmp_path / "out", VIEW)


def test_file_where_a_folder_should_be_is_explained(tmp_path):
    archive = tar(tmp_path / "a", ("set", b"x"), ("set/inner", b"x"))
    with pytest.raises(RunError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out", VIEW)
    assert os.listdir(tmp_path) == ["a"]
