"""Reads a large JSON object piece by piece: each element of its arrays, and where it stands.

COCO's annotation files hold half a gigabyte of JSON, which as Python objects are several. Here one
element is decoded at a time by Python's own decoder, and its bytes can be found again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import IO, Any, NamedTuple

from components.errors import DataError
from components.example_gens.file_kinds import describe_content

_CHUNK_BYTES = 2**22
_SPACE = re.compile(r"[ \t\r\n]*")
# A fault so near to the end of what has been read may only mean that there is more to read.
_CUT_LENGTH = 16
_END = ""


class Span(NamedTuple):
    """Where a value stands in a file: its first byte, and how many there are."""

    start: int
    length: int


class JsonElement(NamedTuple):
    """A value of the object, or an element of one of its arrays.

    Attributes:
        name: Of the object's member.
        value: Decoded. Text that is not ASCII is decoded byte by byte: read the span for it.
        span: Where it stands.
    """

    name: str
    value: Any
    span: Span


def iterate_elements(
    file: IO[bytes], path: str, arrays: Container[str], fix: str
) -> Iterator[JsonElement]:
    """Every element of the named arrays, and every other member of the object as a whole.

    Args:
        file: Opened for reading, at its start.
        path: Names the file in errors.
        arrays: Members whose elements come one by one.
        fix: How to get the file again; ends errors.

    Raises:
        DataError: The file is truncated or damaged, or holds something else than one object.
    """
    text = _Text(file, path, fix)
    text.take("{", "an object")
    if not text.passed("}"):
        while True:
            name, _ = text.value()
            if not isinstance(name, str):
                raise text.damaged(f"the member {name!r}", "a name in quotes")
            text.take(":", "a colon behind a name")
            if name in arrays:
                yield from _elements(text, name)
            else:
                yield JsonElement(name, *text.value())
            if text.passed("}"):
                break
            text.take(",", "a comma or } behind a member")
    text.require_end()


def _elements(text: _Text, name: str) -> Iterator[JsonElement]:
    text.take("[", f"an array `{name}`")
    if text.passed("]"):
        return
    while True:
        yield JsonElement(name, *text.value())
        if text.passed("]"):
            return
        text.take(",", f"a comma or ] behind an element of `{name}`")


class _Text:
    """The file's text as far as it is needed, and a position in it.

    The bytes are read as Latin-1, in which every byte is a character, so that positions in the text
    are positions in the file.
    """

    def __init__(self, file: IO[bytes], path: str, fix: str) -> None:
        self._file, self._path, self._fix = file, path, fix
        self._decoder = json.JSONDecoder()
        self._text, self._position, self._before = "", 0, 0
        self._read()
        if self._text.startswith("\xef\xbb\xbf"):
            self._position = 3

    def take(self, character: str, expected: str) -> None:
        """Goes past a character.

        Raises:
            DataError: Another one is there.
        """
        if not self.passed(character):
            raise self.damaged(None, expected)

    def passed(self, character: str) -> bool:
        """Goes past a character if it is there."""
        if self._next() != character:
            return False
        self._position += 1
        return True

    def value(self) -> tuple[Any, Span]:
        """Decodes the value that stands here, and goes past it."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                unterminated = error.msg.startswith("Unterminated")
                cut = unterminated or error.pos >= len(self._text) - _CUT_LENGTH
                # Reading on moves the text, so the fault's place is kept as a distance.
                distance = error.pos - self._position
                if cut and self._read():
                    continue
                # A string that does not end goes on to the end of the file.
                self._position = len(self._text) if unterminated else self._position + distance
                raise self.damaged(None, f"JSON ({error.msg})") from error
            # A number goes on until something else comes.
            if end == len(self._text) and self._read():
                continue
            span = Span(self._before + self._position, end - self._position)
            self._position = end
            return value, span

    def require_end(self) -> None:
        """Refuses text behind the object."""
        if self._next() != _END:
            raise self.damaged(None, "nothing behind the object")

    def damaged(self, found: str | None, expected: str) -> DataError:
        """An error about what stands here."""
        if self._before + self._position == 0:
            return DataError(
                f"{self._path} is not a JSON object",
                found=describe_content(self._text[:512].encode("latin-1")),
                expected="an object with images and annotations",
                fix=self._fix,
            )
        rest = self._text[self._position : self._position + 40]
        ended = self._position >= len(self._text.rstrip())
        what = "is truncated" if ended else "is damaged"
        return DataError(
            f"the JSON of {self._path} {what} at byte {self._before + self._position:,}",
            found=found or ("the end of the file" if ended else repr(rest)),
            expected=expected,
            fix=self._fix,
        )

    def _next(self) -> str:
        """The next character that is no space; none at the end of the file."""
        while True:
            self._position = self._end_of_space()
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._read():
                return _END

    def _end_of_space(self) -> int:
        match = _SPACE.match(self._text, self._position)
        return match.end() if match else self._position

    def _read(self) -> bool:
        """Drops what was passed and reads on; False at the end of the file."""
        # At least as much as there is: a value of any length is decoded in few attempts.
        kept = self._text[self._position :]
        chunk = self._file.read(max(_CHUNK_BYTES, len(kept)))
        self._before += self._position
        self._text, self._position = kept + chunk.decode("latin-1"), 0
        return bool(chunk)
