"""A downloader for pooch that goes on where an interrupted download ended.

What has come so far is kept beside the archive as `<archive>.part`; `<archive>.part.json` says of
which file on which server it is a part, so that a file that has changed since is started again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
import urllib3

from components.errors import DataError, RunError
from pipelines.data_command.progress import ProgressView, Update

# Tries in a row that bring nothing, before giving up.
MOST_TRIES = 6
LONGEST_PAUSE_SECONDS = 60.0
TIMEOUT_SECONDS = (15.0, 60.0)
CHUNK_BYTES = 2**17

_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _Interrupted(Exception):
    """The server or the connection failed in a way that another try may mend."""


class ResumingDownloader:
    """Downloads one file of known size; pooch calls it and checks the result."""

    def __init__(
        self,
        part: Path,
        size: int,
        view: ProgressView,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Remembers what is downloaded.

        Args:
            part: Where unfinished downloads are kept.
            size: Of the whole file, bytes.
            view: Shows how far it is.
            pause: Waits for some seconds, between two tries.
        """
        self._part = part
        self._note = part.with_name(f"{part.name}.json")
        self._size = size
        self._view = view
        self._pause = pause

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Downloads, trying again after what another try may mend.

        Args:
            url: What to download.
            output_file: Where pooch wants it.
            pooch: Not used; part of the signature that pooch calls.

        Raises:
            DataError: The server has no such file, or another one, or cannot be reached.
            RunError: The file cannot be written.
        """
        label = self._part.name.removesuffix(".part")
        with self._view.work(label, self._size, "bytes", self.have()) as update:
            tries = 0
            while self.have() < self._size:
                before = self.have()
                try:
                    self._go_on(url, update)
                except _Interrupted as interruption:
                    tries = 1 if self.have() > before else tries + 1
                    self._wait(url, tries, interruption)
        self._hand_over(Path(output_file))

    def have(self) -> int:
        """Bytes of the part that is there."""
        return self._part.stat().st_size if self._part.exists() else 0

    def forget(self) -> None:
        """Removes the part."""
        self._part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _wait(self, url: str, tries: int, interruption: _Interrupted) -> None:
        if tries == MOST_TRIES:
            raise DataError(
                f"{url} cannot be downloaded",
                found=f"{interruption}, {tries} times in a row",
                expected=f"{self._size:,} bytes; {self.have():,} of them are in {self._part}",
                fix="run the same command later, it goes on from there; or name another server "
                "that has the same file with --url",
            ) from interruption
        seconds = min(2.0 ** (tries - 1), LONGEST_PAUSE_SECONDS)
        self._view.say(f"{interruption}; trying again in {seconds:g} s")
        self._pause(seconds)

    def _go_on(self, url: str, update: Update) -> None:
        """Asks for the bytes that are missing, and appends them."""
        have = self.have()
        try:
            with requests.get(
                url, headers=self._headers(url, have), stream=True, timeout=TIMEOUT_SECONDS
            ) as response:
                self._refuse_errors(response)
                self._append(response, self._first_byte(response, url, have), update)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _Interrupted(f"no connection to {url} ({_cause(error)})") from error
        except urllib3.exceptions.HTTPError as error:
            raise _Interrupted(f"the connection broke at {self.have():,} bytes") from error
        except requests.RequestException as error:
            raise DataError(
                f"{url} cannot be downloaded", found=error, fix="check the address, or pass --url"
            ) from error
        except OSError as error:
            raise RunError(
                f"{self._part} cannot be written",
                found=error.strerror,
                fix="make room, or name another folder with --to; what has come so far is kept",
            ) from error
        if self.have() < self._size:
            raise _Interrupted(f"the connection ended at {self.have():,} bytes")

    def _headers(self, url: str, have: int) -> dict[str, str]:
        # Bytes as they are: a range of a file that was compressed on the way would not fit.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            validator = self._validator_of_part(url)
            if validator:
                headers["If-Range"] = validator
        return headers

    def _refuse_errors(self, response: requests.Response) -> None:
        status = f"{response.status_code} {response.reason}"
        if response.status_code == 416:
            self.forget()
            raise _Interrupted(f"the server has no such part ({status}): starting again")
        if response.status_code in _TRY_AGAIN:
            raise _Interrupted(f"the server answers {status}")
        if response.status_code not in (200, 206):
            raise DataError(
                f"{response.url} cannot be downloaded",
                found=status,
                fix="name another server that has the same file with --url; the checksum decides",
            )

    def _first_byte(self, response: requests.Response, url: str, have: int) -> int:
        """Where the server's bytes belong in the file; forgets what they do not continue."""
        if response.status_code == 206:
            match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            total = match.group(2) if match else "*"
            self._refuse_other_size(url, None if total == "*" else int(total))
            if match and int(match.group(1)) == have and not self._changed(response, url):
                return have
            self.forget()
            raise _Interrupted(
                "the server sent something else than the missing part: starting again"
            )
        length = response.headers.get("Content-Length", "")
        self._refuse_other_size(url, int(length) if length.isdigit() else None)
        if have:
            self._view.say("the file changed, or the server cannot resume: starting again")
        self.forget()
        self._note.write_text(json.dumps({"url": url, "validator": _validator(response)}))
        return 0

    def _changed(self, response: requests.Response, url: str) -> bool:
        """Whether a server that does not heed If-Range sends a part of another file."""
        before, now = self._validator_of_part(url), _validator(response)
        return bool(before and now and before != now)

    def _refuse_other_size(self, url: str, size: int | None) -> None:
        if size is not None and size != self._size:
            raise DataError(
                f"{url} is not the official archive",
                found=f"{size:,} bytes",
                expected=f"{self._size:,} bytes",
                fix="name a server that has the official file with --url",
            )

    def _append(self, response: requests.Response, start: int, update: Update) -> None:
        done = start
        update(done)
        # Unbuffered: after a kill, every byte that was counted is there.
        with open(self._part, "ab", buffering=0) as file:
            for chunk in _chunks(response):
                done += len(chunk)
                if done > self._size:
                    self._refuse_other_size(response.url, done)
                rest = memoryview(chunk)
                while rest:
                    rest = rest[file.write(rest) :]
                update(done)

    def _validator_of_part(self, url: str) -> str | None:
        """What If-Range takes; another server's marks say nothing about this one's file."""
        try:
            note = json.loads(self._note.read_text())
            return note["validator"] if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _hand_over(self, output: Path) -> None:
        """Gives pooch the file and keeps it too: pooch deletes what fails its check."""
        output.unlink(missing_ok=True)
        try:
            os.link(self._part, output)
        except OSError:
            shutil.copyfile(self._part, output)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Bytes as they come.

    `iter_content` waits for whole chunks: with urllib3 2, what came of one that breaks off is lost.
    """
    read = getattr(response.raw, "read1", response.raw.read)
    while chunk := read(CHUNK_BYTES):
        yield chunk


def _validator(response: requests.Response) -> str | None:
    """What tells one state of the server's file from another."""
    mark = response.headers.get("ETag", "")
    # A weak one promises the same meaning, not the same bytes.
    if mark and not mark.startswith("W/"):
        return mark
    return response.headers.get("Last-Modified")


def _cause(error: BaseException) -> str:
    """The innermost reason, without the layers of the libraries around it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return str(error) or type(error).__name__
