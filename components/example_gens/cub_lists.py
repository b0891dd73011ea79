"""CUB's lists: text files whose lines are an id, a space, and what is said about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.file_kinds import describe_content

Value = TypeVar("Value")

UNPACK = "unpack CUB_200_2011.tgz again"


def read_list(path: str, parse: Callable[[str], Value], expected: str) -> dict[int, Value]:
    """Reads a list. Windows line ends, a byte-order mark and blank lines are accepted.

    Args:
        path: The list.
        parse: Reads what follows the id; raises ValueError if it cannot.
        expected: What a line looks like, for errors.

    Returns:
        id -> what is said about it, in the order of the file.

    Raises:
        DataError: The file is missing, empty or no text; a line is not as expected (as the last one
            of a truncated file); an id stands twice.
    """
    found: dict[int, Value] = {}
    lines: dict[int, int] = {}
    for number, line in enumerate(_text(path, expected).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            identifier, value = _entry(line, parse)
        except ValueError as error:
            raise _bad_line(path, number, line, expected, error) from error
        if identifier in found:
            raise DataError(
                f"line {number} of {path} repeats the id {identifier}",
                found=f"it stands in line {lines[identifier]} already",
                expected="one line an id",
                fix=UNPACK,
            )
        found[identifier] = value
        lines[identifier] = number
    if not found:
        raise DataError(f"{path} is empty", expected=expected, fix=UNPACK)
    return found


def require_same_ids(
    reference: tuple[str, Mapping[int, object]], other: tuple[str, Mapping[int, object]]
) -> None:
    """Holds the ids of two lists against each other.

    Args:
        reference: Path and entries of `images.txt`.
        other: Path and entries of another list.

    Raises:
        DataError: An id stands in one of them alone.
    """
    for (path, entries), (without, known) in ((reference, other), (other, reference)):
        missing = sorted(entries.keys() - known.keys())
        if missing:
            raise DataError(
                f"{without} says nothing about image {missing[0]}, which {path} lists",
                found=f"{len(missing)} ids in {path} alone: "
                + ", ".join(map(str, missing[:5]))
                + (", …" if len(missing) > 5 else ""),
                expected="the same ids in both files",
                fix=f"{UNPACK}; a list that was cut off ends too early",
            )


def parse_name(text: str) -> str:
    """What follows the id, as it is; must not be empty."""
    if not text:
        raise ValueError("nothing follows the id")
    return text


def parse_box(text: str) -> tuple[float, float, float, float]:
    """Left, top, width, height; pixels."""
    numbers = tuple(float(part) for part in text.split())
    if len(numbers) != 4:
        raise ValueError(f"{len(numbers)} numbers follow the id")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number is not finite")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def parse_class(text: str) -> int:
    """A class's number, from 1."""
    return _natural(text)


def parse_flag(text: str) -> bool:
    """1 or 0."""
    if text not in ("0", "1"):
        raise ValueError("neither 0 nor 1")
    return text == "1"


def _entry(line: str, parse: Callable[[str], Value]) -> tuple[int, Value]:
    parts = line.split(maxsplit=1)
    return _natural(parts[0]), parse(parts[1].strip() if len(parts) == 2 else "")


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise ValueError(f"`{text[:20]}` is no whole number from 1 on")
    return int(text)


def _text(path: str, expected: str) -> str:
    content = file_access.read_bytes(path)
    try:
        # A byte-order mark before the first id is no part of it.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_text(path, content, expected) from error
    if "\0" in text:
        raise _no_text(path, content, expected)
    return text


def _no_text(path: str, content: bytes, expected: str) -> DataError:
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return DataError(
        f"{path} is not a list in UTF-8",
        found="text in UTF-16" if utf16 else describe_content(content),
        expected=expected,
        fix="save it as UTF-8" if utf16 else UNPACK,
    )


def _bad_line(path: str, number: int, line: str, expected: str, error: ValueError) -> DataError:
    return DataError(
        f"line {number} of {path} cannot be read: {error}",
        found=line[:80],
        expected=expected,
        fix=f"{UNPACK}; if it is the last line, the file was cut off",
    )
