"""`papergarden data fetch`, from its words to the unpacked data set."""

import dataclasses
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest
from archive_server import Served, serve
from PIL import Image

from components.example_gens.digits_as_cifar import write_digits_as_cifar
from components.example_gens.generated_cub import write_generated_cub
from pipelines import cli
from pipelines.data_command import fetch as fetching
from pipelines.data_command import resuming_downloader
from pipelines.datasets import DATASETS, find_dataset

FOLDER = "cifar-10-batches-bin"
ARCHIVE = "cifar-10-binary.tar.gz"


def official(archive: bytes, name: str = "cifar10"):
    """The registry's entry with the archive's own size and checksum."""
    return dataclasses.replace(
        DATASETS[name],
        download=dataclasses.replace(
            DATASETS[name].download,
            sha256=hashlib.sha256(archive).hexdigest(),
            archive_bytes=len(archive),
            unpacked_bytes=10 * len(archive),
        ),
    )


@pytest.fixture(scope="session")
def digits_archive(tmp_path_factory):
    """Digits as `cifar-10-binary.tar.gz`."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits_as_cifar(folder)
    with tarfile.open(folder / "packed", "w:gz") as packed:
        packed.add(folder / "cifar-10-batches-bin", "cifar-10-batches-bin")
    return (folder / "packed").read_bytes()


@pytest.fixture
def served(digits_archive, monkeypatch):
    """The digits, as what `cifar10` officially is."""
    with serve(Served(digits_archive)) as one:
        monkeypatch.setitem(DATASETS, "cifar10", official(digits_archive))
        yield one


@pytest.fixture
def fetch(served, tmp_path, capsys, monkeypatch):
    """Runs `data fetch NAME` into tmp_path/data; gives (exit code, what it said)."""
    monkeypatch.setattr(resuming_downloader, "LONGEST_PAUSE_SECONDS", 0.0)

    def run(name="cifar10", *options, url=None):
        words = ["data", "fetch", name, "--to", str(tmp_path / "data"), "--url", url or served.url]
        code = cli.main([*words, *options])
        return code, "".join(capsys.readouterr())

    return run


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


def test_fetched_set_is_unpacked_checked_and_ready_to_run(fetch, tmp_path):
    code, said = fetch()
    root = tmp_path / "data" / FOLDER
    assert code == 0
    assert len(files(root)) == 7
    assert "train     1,500 records; officially 50,000" in said
    assert "10 of 10 classes" in said
    command = f"papergarden run only_bn_pipeline --preset paper --data-root {root}"
    assert f"{command} --set data.subset=true" in said
    visible = [name for name in os.listdir(tmp_path / "data") if not name.startswith(".")]
    assert visible == [FOLDER]


def test_birds_come_out_of_their_folder_and_what_lies_beside_it_does_not(
    fetch, served, tmp_path, monkeypatch
):
    write_generated_cub(tmp_path / "birds", images=4, classes=2, longest_side=64)
    (tmp_path / "attributes.txt").write_text("1 has_bill_shape::curved\n")
    with tarfile.open(tmp_path / "packed", "w:gz") as packed:
        packed.add(tmp_path / "attributes.txt", "attributes.txt")
        packed.add(tmp_path / "birds", "CUB_200_2011")
    served.content = (tmp_path / "packed").read_bytes()
    monkeypatch.setitem(DATASETS, "cub", official(served.content, "cub"))
    code, said = fetch("cub")
    root = tmp_path / "data" / "CUB_200_2011"
    assert code == 0, said
    assert os.listdir(tmp_path / "data").count("attributes.txt") == 0
    assert "2 of 200 classes" in said
    assert f"papergarden run finegan_pipeline --preset small --data-root {root}" in said


def test_second_fetch_does_nothing(fetch, served):
    fetch()
    code, said = fetch()
    assert code == 0
    assert "is complete: nothing to fetch" in said
    assert "papergarden run only_bn_pipeline" in said
    assert len(served.requests) == 1


def test_archive_stays_if_wanted_and_is_used_again(fetch, served, tmp_path):
    fetch("cifar10", "--keep-archive")
    assert (tmp_path / "data" / ARCHIVE).read_bytes() == served.content
    shutil.rmtree(tmp_path / "data" / FOLDER)
    assert fetch()[0] == 0
    assert len(served.requests) == 1


def test_interrupted_fetch_goes_on(fetch, served, tmp_path):
    half = len(served.content) // 2
    served.faults = [lambda body: body[:half], *[503] * resuming_downloader.MOST_TRIES]
    code, said = fetch()
    assert code == 1
    assert f"{half:,} of them are in" in said
    assert os.listdir(tmp_path / "data").count(f"{ARCHIVE}.part") == 1
    code, said = fetch()
    assert code == 0
    assert served.requests[-1]["Range"] == f"bytes={half}-"
    assert "going on from" in said


def test_wrong_checksum_keeps_the_file_and_says_both(fetch, served, tmp_path):
    wrong = b"<html><title>Log in</title>".ljust(len(served.content))
    served.content, right = wrong, served.content
    code, said = fetch()
    kept = tmp_path / "data" / f"{ARCHIVE}.rejected"
    assert code == 1
    assert kept.read_bytes() == wrong
    for part in (hashlib.sha256(wrong).hexdigest(), hashlib.sha256(right).hexdigest()):
        assert part in said
    assert 'an HTML page (title: "Log in")' in said
    assert str(kept) in said
    assert not (tmp_path / "data" / FOLDER).exists()
    served.content = right
    assert fetch()[0] == 0
    assert kept.exists()


def test_archive_of_another_origin_is_checked(fetch, served, tmp_path):
    archive = tmp_path / "data" / ARCHIVE
    archive.parent.mkdir()
    archive.write_bytes(served.content[:-1])
    code, said = fetch()
    assert code == 1
    assert "its checksum differs" in said
    assert archive.exists()
    archive.write_bytes(served.content)
    assert fetch()[0] == 0
    assert served.requests == []


def test_hostile_archive_is_not_unpacked(fetch, served, tmp_path, monkeypatch):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        link = tarfile.TarInfo(FOLDER)
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(link)
    served.content = packed.getvalue()
    monkeypatch.setitem(DATASETS, "cifar10", official(served.content))
    code, said = fetch()
    assert code == 1
    assert "outside of its folder" in said
    assert not (tmp_path / "data" / FOLDER).exists()


def test_archive_of_another_data_set_is_refused(fetch, served, tmp_path, monkeypatch):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("cifar-100-binary/train.bin"))
    served.content = packed.getvalue()
    monkeypatch.setitem(DATASETS, "cifar10", official(served.content))
    code, said = fetch()
    assert code == 1
    assert "found:    cifar-100-binary" in said
    assert not (tmp_path / "data" / FOLDER).exists()


def test_lost_file_is_noticed(fetch, tmp_path):
    fetch()
    (tmp_path / "data" / FOLDER / "data_batch_5.bin").unlink()
    code, said = fetch()
    assert code == 1
    assert "has changed since it was fetched" in said
    assert "6 files" in said


def test_folder_of_somebody_else_is_left_alone(fetch, served, tmp_path):
    mine = tmp_path / "data" / FOLDER / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    code, said = fetch()
    assert code == 1
    assert "was not fetched by this command" in said
    assert mine.exists()
    assert served.requests == []


def test_too_little_room_is_said_before_anything_is_loaded(fetch, served, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda folder: usage)
    code, said = fetch()
    assert code == 1
    assert "not enough room" in said
    assert served.requests == []


def test_folder_that_cannot_be_made_is_explained(served, tmp_path, capsys):
    (tmp_path / "file").touch()
    code = cli.main(["data", "fetch", "cifar10", "--to", str(tmp_path / "file" / "data")])
    assert code == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["cifar11"], "cifar10 | cifar10-python | tiny-imagenet"),
        (["imagenet"], "cannot be fetched"),
        (["cifar10", "--url", "ftp://elsewhere/x"], "no address of a server"),
    ],
)
def test_wrong_words_exit_with_2(capsys, words, expected):
    assert cli.main(["data", "fetch", *words]) == 2
    assert expected in capsys.readouterr().err


def test_tiny_imagenet_comes_as_zip(tmp_path, capsys, monkeypatch):
    packed, picture = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (64, 64), (90, 10, 30)).save(picture, "JPEG")
    synset, top = "n01443537", "tiny-imagenet-200"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{top}/wnids.txt", f"{synset}\n")
        archive.writestr(f"{top}/words.txt", f"{synset}\tgoldfish\n")
        archive.writestr(f"{top}/train/{synset}/images/{synset}_0.JPEG", picture.getvalue())
        archive.writestr(f"{top}/val/images/val_0.JPEG", picture.getvalue())
        archive.writestr(f"{top}/val/val_annotations.txt", f"val_0.JPEG\t{synset}\t0\t0\t9\t9\n")
    name = "tiny-imagenet"
    monkeypatch.setitem(DATASETS, name, official(packed.getvalue(), name))
    with serve(Served(packed.getvalue())) as served:
        code = cli.main(["data", "fetch", name, "--to", str(tmp_path), "--url", served.url])
    said = capsys.readouterr().out
    assert code == 0
    assert "1 of 200 classes" in said
    assert f"only_bn_pipeline --preset efficient --data-root {tmp_path / top}" in said


PROCESS = """
import dataclasses, json, sys
from pipelines import cli
from pipelines.datasets import DATASETS
entry = DATASETS["cifar10"]
download = dataclasses.replace(entry.download, **json.loads(sys.argv[1]))
DATASETS["cifar10"] = dataclasses.replace(entry, download=download)
sys.exit(cli.main(["data", "fetch", "cifar10", "--to", sys.argv[2]]))
"""


def start(served, folder):
    download = {
        "url": served.url.replace("archive", ARCHIVE),
        "sha256": hashlib.sha256(served.content).hexdigest(),
        "archive_bytes": len(served.content),
        "unpacked_bytes": 10 * len(served.content),
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, json.dumps(download), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def slowly(body):
    time.sleep(3)
    return body


def test_killed_fetch_is_finished_by_the_next(served, tmp_path):
    served.faults = [lambda body: body[:50_000], slowly]
    killed = start(served, tmp_path)
    deadline = time.monotonic() + 60
    while len(served.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert (tmp_path / f"{ARCHIVE}.part").stat().st_size == 50_000
    said, _ = start(served, tmp_path).communicate(timeout=60)
    assert "sound: every record can be used" in said
    assert served.requests[-1]["Range"] == "bytes=50000-"
    assert not (tmp_path / f"{ARCHIVE}.part").exists()


def test_two_at_once_load_once(served, tmp_path):
    served.faults = [slowly]
    both = [start(served, tmp_path) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert len(served.requests) == 1
    assert sum("is complete: nothing to fetch" in one for one in said) == 1
    assert sum("sound: every record can be used" in one for one in said) == 1


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.run])
def test_printed_command_is_one_that_can_be_run(name):
    from pipelines.configs.paper_config import resolve_config
    from pipelines.registry import PIPELINES, find_pipeline

    pipeline, _, preset, *rest = find_dataset(name).run.split()
    if pipeline not in PIPELINES:
        pytest.skip(f"{pipeline} is not there yet")
    config = resolve_config(find_pipeline(pipeline).load_config(), preset, rest[1::2])
    values = {setting.key: setting.value for setting in config.settings}
    assert values["data.dataset"] == find_dataset(name).settings["dataset"]
