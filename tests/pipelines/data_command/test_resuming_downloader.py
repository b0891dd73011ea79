"""Downloads that are interrupted, refused, changed or answered with something else."""

import io
import json
import socket

import numpy as np
import pytest
from archive_server import Served, serve
from rich.console import Console

from components.errors import DataError, RunError
from pipelines.data_command.progress import ProgressView
from pipelines.data_command.resuming_downloader import MOST_TRIES, ResumingDownloader

CONTENT = np.random.default_rng(0).bytes(700_001)


@pytest.fixture
def served():
    with serve(Served(CONTENT)) as one:
        yield one


class Download:
    """A downloader with what it leaves behind and says."""

    def __init__(self, folder):
        self.part = folder / "archive.zip.part"
        self.note = folder / "archive.zip.part.json"
        self.output = folder / "tmp"
        self.pauses = []
        self.said = io.StringIO()
        view = ProgressView(Console(file=self.said))
        self.run = ResumingDownloader(self.part, len(CONTENT), view, self.pauses.append)

    def __call__(self, url):
        self.run(url, str(self.output), None)
        return self.output.read_bytes()


@pytest.fixture
def download(tmp_path):
    return Download(tmp_path)


def first(count):
    return lambda body: body[:count]


def ranges(served):
    return [request.get("Range") for request in served.requests]


def test_file_comes_whole(served, download):
    assert download(served.url) == CONTENT
    assert ranges(served) == [None]
    assert download.pauses == []
    assert "700.0 kB of 700.0 kB" in download.said.getvalue()


def test_broken_connection_goes_on_where_it_ended(served, download):
    served.faults = [first(300_000), first(1)]
    assert download(served.url) == CONTENT
    assert ranges(served) == [None, "bytes=300000-", "bytes=300001-"]
    assert [request.get("If-Range") for request in served.requests] == [None, '"first"', '"first"']
    assert "300,000 bytes" in download.said.getvalue()


def test_later_process_goes_on_where_a_killed_one_ended(served, download, tmp_path):
    served.faults = [first(123_456), *[503] * MOST_TRIES]
    with pytest.raises(DataError, match="cannot be downloaded"):
        download(served.url)
    assert download.part.stat().st_size == 123_456
    assert Download(tmp_path)(served.url) == CONTENT
    assert ranges(served)[-1] == "bytes=123456-"


def test_complete_part_is_not_asked_for_again(served, download):
    download.part.write_bytes(CONTENT)
    assert download(served.url) == CONTENT
    assert served.requests == []


def test_server_without_ranges_starts_again(served, download):
    served.ranges = False
    served.faults = [first(300_000)]
    assert download(served.url) == CONTENT
    assert ranges(served) == [None, "bytes=300000-"]
    assert "starting again" in download.said.getvalue()


@pytest.mark.parametrize("heeds", [True, False])
def test_changed_file_starts_again(served, download, heeds):
    served.heeds_if_range = heeds

    def break_and_change(body):
        served.content, served.etag = CONTENT[::-1], '"second"'
        return body[:300_000]

    served.faults = [break_and_change]
    assert download(served.url) == CONTENT[::-1]
    assert "starting again" in download.said.getvalue()


def test_server_without_marks_is_resumed_by_size(served, download):
    served.etag = None
    served.faults = [first(5)]
    assert download(served.url) == CONTENT
    assert ranges(served) == [None, "bytes=5-"]
    assert "If-Range" not in served.requests[1]


def test_weak_mark_is_not_sent(served, download):
    served.etag = 'W/"first"'
    served.faults = [first(5)]
    assert download(served.url) == CONTENT
    assert "If-Range" not in served.requests[1]


def test_other_server_goes_on_with_the_part(served, download):
    served.etag = '"other"'
    download.part.write_bytes(CONTENT[:1000])
    download.note.write_text(json.dumps({"url": "http://first/archive", "validator": '"first"'}))
    assert download(served.url) == CONTENT
    assert ranges(served) == ["bytes=1000-"]
    assert "If-Range" not in served.requests[0]


def test_refused_part_starts_again(served, download):
    download.part.write_bytes(CONTENT[:1000])
    served.faults = [416]
    assert download(served.url) == CONTENT
    assert ranges(served) == ["bytes=1000-", None]


def test_busy_server_is_asked_again_more_and_more_slowly(served, download):
    served.faults = [503, 500, 429]
    assert download(served.url) == CONTENT
    assert download.pauses == [1, 2, 4]
    assert "503" in download.said.getvalue()


def test_progress_makes_it_patient_again(served, download):
    served.faults = [503, 503, first(1000), 503]
    assert download(served.url) == CONTENT
    assert download.pauses == [1, 2, 1, 2]


def test_server_that_stays_busy_is_given_up(served, download):
    served.faults = [502] * MOST_TRIES
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        download(served.url)
    assert "502" in str(caught.value.found)
    assert "--url" in caught.value.fix
    assert len(served.requests) == MOST_TRIES


@pytest.mark.parametrize("status", [403, 404])
def test_missing_file_is_not_asked_for_again(served, download, status):
    served.faults = [status]
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        download(served.url)
    assert str(status) in str(caught.value.found)
    assert len(served.requests) == 1


def test_nobody_listening_is_explained(download):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(DataError) as caught:
        download(f"http://127.0.0.1:{port}/archive")
    assert "refused" in str(caught.value.found)
    assert len(download.pauses) == MOST_TRIES - 1


@pytest.mark.parametrize("content", [CONTENT + b"more", b"<html>moved</html>"])
def test_file_of_another_size_is_refused_before_it_is_loaded(served, download, content):
    served.content = content
    with pytest.raises(DataError, match="not the official archive") as caught:
        download(served.url)
    assert f"{len(content):,} bytes" in str(caught.value.found)
    assert not download.part.exists()


def test_longer_file_of_unknown_size_is_stopped(served, download):
    served.content = CONTENT * 3
    served.sends_length = False
    with pytest.raises(DataError, match="not the official archive"):
        download(served.url)


def test_unwritable_part_is_explained(served, download):
    download.part.mkdir()
    with pytest.raises(RunError, match="cannot be written") as caught:
        download(served.url)
    assert caught.value.found == "Is a directory"
