import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.errors import RunError
from components.pushers import versioned_directory
from components.pushers.versioned_directory import push_version, versions

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def model(tmp_path):
    directory = tmp_path / "model"
    (directory / "variables").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(b"graph" * 100)
    (directory / "variables" / "variables.data").write_bytes(os.urandom(5000))
    (directory / "assets").mkdir()
    return directory


@pytest.fixture
def base(tmp_path):
    return tmp_path / "serving"


def visible(base):
    return sorted(entry.name for entry in base.iterdir() if not entry.name.startswith("."))


def unfinished(base):
    return [entry.name for entry in base.iterdir() if entry.name.startswith(".pushing-")]


def push(model, base, seconds=1000.0):
    return push_version(str(model), str(base), clock=lambda: seconds)


def change(model):
    (model / "saved_model.pb").write_bytes(os.urandom(500))


def test_a_push_is_whole(model, base):
    pushed = push(model, base)
    assert (pushed.version, pushed.is_new) == (1000, True)
    copy = Path(pushed.path)
    assert copy == base / "1000"
    for name in ("saved_model.pb", "variables/variables.data"):
        assert (copy / name).read_bytes() == (model / name).read_bytes()
    assert visible(base) == ["1000"]
    assert unfinished(base) == []


def test_a_server_of_another_user_can_read_it(model, base):
    previous = os.umask(0o022)
    try:
        pushed = push(model, base)
    finally:
        os.umask(previous)
    assert Path(pushed.path).stat().st_mode & 0o777 == 0o755


def test_versions_increase_within_one_second_and_with_a_clock_gone_back(model, base):
    numbers = []
    for seconds in (1000.0, 1000.9, 10.0, 5000.0):
        change(model)
        numbers.append(push(model, base, seconds).version)
    assert numbers == [1000, 1001, 1002, 5000]
    assert versions(str(base)) == numbers


def test_versions_are_compared_as_numbers(model, base):
    (base / "999").mkdir(parents=True)
    (base / "10000").mkdir()
    (base / "notes").mkdir()
    assert push(model, base).version == 10001


def test_a_push_that_was_not_recorded_is_not_repeated(model, base):
    first = push(model, base, 1000.0)
    second = push(model, base, 2000.0)
    assert second.path == first.path
    assert not second.is_new
    (Path(first.path) / "variables" / "variables.data").write_bytes(b"0" * 5000)
    assert push(model, base, 3000.0).version == 3000


def test_a_server_sees_the_version_only_when_it_is_whole(model, base, monkeypatch):
    seen = []
    copy_model_file = versioned_directory.copy_model_file

    def watched(source, destination):
        copy_model_file(source, destination)
        seen.append((os.path.basename(destination), visible(base)))

    monkeypatch.setattr(versioned_directory, "copy_model_file", watched)
    push(model, base)
    assert seen == [("variables.data", []), ("saved_model.pb", [])]


def test_no_saved_model_is_an_error(model, base):
    (model / "saved_model.pb").unlink()
    with pytest.raises(RunError, match="no SavedModel"):
        push(model, base)
    shutil.rmtree(model)
    with pytest.raises(RunError, match="no SavedModel"):
        push(model, base)
    assert not base.exists()


def test_a_full_disk_leaves_the_versions_as_they_were(model, base, monkeypatch):
    push(model, base)
    change(model)

    def full(source, destination):
        Path(destination).parent.mkdir(parents=True, exist_ok=True)
        Path(destination).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", destination)

    monkeypatch.setattr(versioned_directory, "copy_model_file", full)
    with pytest.raises(RunError, match=r"No space left on device[\s\S]*5500 bytes"):
        push(model, base, 2000.0)
    assert visible(base) == ["1000"]
    assert unfinished(base) == []


def test_a_short_copy_is_found_before_it_is_visible(model, base, monkeypatch):
    def short(source, destination):
        Path(destination).parent.mkdir(parents=True, exist_ok=True)
        Path(destination).write_bytes(Path(source).read_bytes()[:-1])

    monkeypatch.setattr(versioned_directory, "copy_model_file", short)
    with pytest.raises(RunError, match=r"differs[\s\S]*saved_model\.pb: 499 bytes"):
        push(model, base)
    assert visible(base) == []
    assert unfinished(base) == []


def test_an_interrupt_cleans_up(model, base, monkeypatch):
    def interrupted(source, destination):
        raise KeyboardInterrupt

    monkeypatch.setattr(versioned_directory, "copy_model_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        push(model, base)
    assert visible(base) == unfinished(base) == []


KILLED_PUSH = """
import sys, time
from components.pushers import versioned_directory
copy = versioned_directory.copy_model_file
def slow(source, destination):
    copy(source, destination)
    print("copied", flush=True)
    time.sleep(60)
versioned_directory.copy_model_file = slow
versioned_directory.push_version(sys.argv[1], sys.argv[2], clock=lambda: 1000.0)
"""


@pytest.mark.faults
def test_a_killed_push_is_invisible_and_cleaned_by_the_next(model, base):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED_PUSH, str(model), str(base)],
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert child.stdout.readline() == b"copied\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert unfinished(base) == [".pushing-1000"]
    assert visible(base) == []
    assert push(model, base, 2000.0).version == 2000
    assert unfinished(base) == []
    assert visible(base) == ["2000"]


def test_a_second_push_waits_for_the_first_and_gives_up_with_a_reason(model, base, monkeypatch):
    monkeypatch.setattr(versioned_directory, "LOCK_SECONDS", 0.2)
    base.mkdir()
    (base / ".pushing-7").mkdir()
    with open(base / ".push.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        begun = time.monotonic()
        with pytest.raises(RunError, match="another push"):
            push(model, base)
        assert time.monotonic() - begun >= 0.2
        # What the other push is writing must not be taken for a leftover.
        assert unfinished(base) == [".pushing-7"]
    assert push(model, base).version == 1000
    assert unfinished(base) == []


def test_a_file_in_the_way_is_named(model, base):
    base.write_text("not a directory")
    with pytest.raises(RunError, match=f"found: +{base}"):
        push(model, base)


def test_an_object_store_gets_saved_model_last(model):
    tf = pytest.importorskip("tensorflow")
    store = "ram://papergarden-push/serving"
    first = push_version(str(model), store, clock=lambda: 1000.0)
    second = push_version(str(model), store, clock=lambda: 1000.0)
    assert (first.version, second.version) == (1000, 1001)
    assert first.path == f"{store}/1000"
    copied = tf.io.gfile.GFile(f"{first.path}/variables/variables.data", "rb").read()
    assert copied == (model / "variables" / "variables.data").read_bytes()


def test_order_of_copying_ends_with_saved_model(model):
    (model / "zz").write_bytes(b"1")
    names = list(versioned_directory.list_model_files(str(model)))
    assert names == ["variables/variables.data", "zz", "saved_model.pb"]
