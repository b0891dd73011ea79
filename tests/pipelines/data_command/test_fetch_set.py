"""`papergarden data fetch coco`: several archives into one folder, each of them once."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile

import pytest
from archive_server import Served, serve
from rich.console import Console

from components.example_gens.dataset_downloads import COCO_2017
from components.example_gens.generated_coco import write_generated_coco
from pipelines import cli
from pipelines.data_command import fetch as fetching
from pipelines.data_command.progress import ProgressView
from pipelines.datasets import DATASETS, recognise


def packed(root, names) -> bytes:
    """A zip of files, folders or the bytes of inner archives."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in names.items():
            paths = sorted(content.rglob("*")) if content.is_dir() else [content]
            for path in paths:
                inner = f"{name}/{path.relative_to(content)}" if content.is_dir() else name
                archive.write(path, inner)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Generated scenes as COCO's four archives: name -> content."""
    root = write_generated_coco(
        tmp_path_factory.mktemp("coco") / "set", images=8, classes=2, longest_side=64
    )
    notes = root / "annotations"
    for split in ("train2017", "val2017"):
        inner = packed(root, {f"panoptic_{split}": notes / f"panoptic_{split}"})
        (notes / f"panoptic_{split}.zip").write_bytes(inner)
    panoptic, instances = {}, {}
    for split in ("train2017", "val2017"):
        instances[f"annotations/instances_{split}.json"] = notes / f"instances_{split}.json"
        for ending in ("json", "zip"):
            name = f"panoptic_{split}.{ending}"
            panoptic[f"annotations/{name}"] = notes / name
    return {
        "annotations_trainval2017.zip": packed(root, instances),
        "panoptic_annotations_trainval2017.zip": packed(root, panoptic),
        "val2017.zip": packed(root, {"val2017": root / "val2017"}),
        "train2017.zip": packed(root, {"train2017": root / "train2017"}),
    }


@pytest.fixture(autouse=True)
def official(archives, monkeypatch):
    """The registry's entry, with the generated archives' sizes and checksums."""
    parts = tuple(
        dataclasses.replace(
            one,
            sha256=hashlib.sha256(archives[one.archive]).hexdigest(),
            archive_bytes=len(archives[one.archive]),
            unpacked_bytes=10 * len(archives[one.archive]),
        )
        for one in COCO_2017.archives
    )
    entry = DATASETS["coco"]
    downloads = dataclasses.replace(COCO_2017, archives=parts)
    monkeypatch.setitem(DATASETS, "coco", dataclasses.replace(entry, download=downloads))


@pytest.fixture
def folder(archives, tmp_path):
    """A folder into which somebody has copied the archives."""
    place = tmp_path / "data"
    place.mkdir()
    for name, content in archives.items():
        (place / name).write_bytes(content)
    return place


def fetch(place, capsys, *options):
    code = cli.main(["data", "fetch", "coco", "--to", str(place), *options])
    return code, "".join(capsys.readouterr())


def test_archives_become_one_checked_data_set(folder, capsys):
    code, said = fetch(folder, capsys)
    root = folder / "coco"
    assert code == 0
    assert "train     6 records; officially 118,287" in said
    assert "sound: every record can be used; it is a subset" in said
    assert recognise(str(root)) == "coco-panoptic"
    assert len(list((root / "annotations" / "panoptic_train2017").glob("*.png"))) == 6
    assert not list(folder.glob("*.zip")) + list(root.rglob("*.zip"))
    assert not [path for path in folder.iterdir() if path.name.endswith(".unpacking")]
    code, said = fetch(folder, capsys)
    assert (code, "is complete: nothing to fetch" in said) == (0, True)


def test_only_what_is_missing_is_fetched_and_from_the_named_server(folder, archives, capsys):
    fetch(folder, capsys)
    (folder / "coco" / ".papergarden-fetched-val2017.zip.json").unlink()
    for path in sorted((folder / "coco" / "val2017").iterdir()):
        path.unlink()
    (folder / "coco" / "val2017").rmdir()
    with serve(Served(archives["val2017.zip"])) as served:
        code, said = fetch(folder, capsys, "--url", served.url)
    assert code == 0
    assert f"from      {served.url}/val2017.zip" in said
    assert len(served.requests) == 1


def test_set_interrupted_between_two_parts_is_finished(folder, capsys, monkeypatch):
    real, calls = fetching._contents, []

    def interrupted(part):
        calls.append(part)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(part)

    view = ProgressView(Console(file=io.StringIO()))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fetching, "_contents", interrupted)
        fetching.fetch_set(DATASETS["coco"].download, folder, view)
    left = list((folder / "coco" / "annotations").iterdir())
    assert [path.name for path in left] == ["instances_train2017.json"]
    data_root, is_new = fetching.fetch_set(DATASETS["coco"].download, folder, view)
    assert is_new
    assert fetch(folder, capsys)[0] == 0
    assert len(list((data_root / "annotations").iterdir())) == 6


def test_lost_file_is_noticed(folder, capsys):
    fetch(folder, capsys)
    next((folder / "coco" / "annotations" / "panoptic_val2017").glob("*.png")).unlink()
    code, said = fetch(folder, capsys)
    assert code == 1
    assert "panoptic_val2017 has changed since it was fetched" in said


def test_annotations_of_somebody_else_are_left_alone(folder, capsys):
    mine = folder / "coco" / "annotations" / "instances_val2017.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    code, said = fetch(folder, capsys)
    assert code == 1
    assert "was not fetched by this command" in said
    assert mine.read_text() == "mine"


def test_too_little_room_is_said_before_anything_is_loaded(tmp_path, capsys, monkeypatch):
    usage = fetching.shutil.disk_usage("/")._replace(free=1_000)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda folder: usage)
    code, said = fetch(tmp_path / "data", capsys)
    assert code == 1
    assert "not enough room" in said


def test_official_archives_are_four_of_known_checksum():
    assert sum(one.archive_bytes for one in COCO_2017.archives) == 21_266_080_503
    assert {len(one.sha256) for one in COCO_2017.archives} == {64}
    assert len({one.archive for one in COCO_2017.archives}) == 4
