"""Reads CIFAR's python batches without running what a pickle could carry.

A pickle is a program: loading one calls any function it names. Here the few names that an array of
bytes needs lead to stand-ins of this file, which build nothing but bytes; every other name ends the
reading. NumPy's own constructors are not among them: a forged dtype can make them read foreign
memory.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from components.errors import DataError

# The official batches hold 31 MB each; a pickle's claims are not trusted with more.
MAX_BYTES = 64 * 2**20

_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ImportError,
    OverflowError,
    MemoryError,
)


def unpickle_batch(path: str, content: bytes) -> dict[str, Any]:
    """The dictionary that a python batch or `batches.meta` holds.

    Args:
        path: Names the file in errors.
        content: The file; written by Python 2 (as the official ones are) or 3.

    Returns:
        Key -> bytes, numbers, lists of them, or uint8 arrays.

    Raises:
        DataError: The pickle asks for code, is damaged, too large, or no dictionary.
    """
    if len(content) > MAX_BYTES:
        raise DataError(
            f"{path} is too large for a CIFAR-10 batch",
            found=f"{len(content):,} bytes",
            expected=f"at most {MAX_BYTES:,} bytes",
            fix="check that --data-root leads to CIFAR-10",
        )
    try:
        loaded = _BatchUnpickler(path, content).load()
        if not isinstance(loaded, dict):
            raise TypeError(f"it holds a {type(loaded).__name__}, not a dictionary")
        return {_text(key): _plain(value) for key, value in loaded.items()}
    except _DAMAGE as error:
        raise DataError(
            f"{path} is not a whole python batch of CIFAR-10",
            found=str(error) or type(error).__name__,
            expected="a pickled dictionary of bytes, numbers, lists and arrays of bytes",
            fix="download cifar-10-python.tar.gz again and unpack it",
        ) from error


class _BatchUnpickler(pickle.Unpickler):
    """Knows the names that an array of bytes needs, and refuses all others."""

    def __init__(self, path: str, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """Gives the stand-in for a name.

        Raises:
            DataError: The name is not one of those that arrays of bytes need.
        """
        allowed = _STAND_INS.get((module, name))
        if allowed is None:
            raise DataError(
                f"{self._path} was refused: the pickle carries code",
                found=f"it asks for {module}.{name}, which loading it would call",
                expected="arrays of bytes, bytes, numbers, lists and dictionaries alone",
                fix="do not load this file elsewhere either; download cifar-10-python.tar.gz from "
                "the authors, or use the binary version",
            )
        return allowed

    def persistent_load(self, pid: Any) -> Any:
        """Refuses references to things outside of the file."""
        raise pickle.UnpicklingError("it refers to something outside of the file")


class _StandIn:
    """A callable that a pickle cannot change: it has no attributes to set."""

    __slots__ = ("_build",)
    _build: Callable[..., Any]

    def __init__(self, build: Callable[..., Any]) -> None:
        object.__setattr__(self, "_build", build)

    def __call__(self, *arguments: Any) -> Any:
        return self._build(*arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError("the pickle tries to change what it is read with")

    def __setstate__(self, state: Any) -> None:
        raise TypeError("the pickle tries to change what it is read with")


class _ByteType:
    """Stands for `numpy.dtype('uint8')`, the only one there is in CIFAR-10."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        """Takes what NumPy writes about byte order and alignment; bytes have neither."""


class _ByteArray:
    """Stands for an array; becomes one when all is read."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, column_major, content = state
        if not isinstance(kind, _ByteType) or not isinstance(content, bytes):
            raise TypeError("it holds an array of something other than bytes")
        flat = np.frombuffer(content, np.uint8)
        self.array = flat.reshape(shape, order="F" if column_major else "C")


def _byte_type(name: Any, *_: Any) -> _ByteType:
    if name not in ("u1", b"u1", "uint8", b"uint8"):
        raise TypeError(f"it holds an array of {_text(name)}, not of u1 (bytes)")
    return _ByteType()


def _empty_array(*_: Any) -> _ByteArray:
    return _ByteArray()


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into the older protocols."""
    if encoding not in ("latin1", b"latin1"):
        raise ValueError(f"it encodes bytes as {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _not_callable(*_: Any) -> Any:
    raise TypeError("it makes an array in a way that NumPy does not")


# NumPy 2 moved `core` to `_core`.
_STAND_INS: dict[tuple[str, str], _StandIn] = {
    ("numpy.core.multiarray", "_reconstruct"): _StandIn(_empty_array),
    ("numpy._core.multiarray", "_reconstruct"): _StandIn(_empty_array),
    ("numpy", "ndarray"): _StandIn(_not_callable),
    ("numpy", "dtype"): _StandIn(_byte_type),
    ("_codecs", "encode"): _StandIn(_latin1),
    ("__builtin__", "bytes"): _StandIn(_no_bytes),
}


def _plain(value: Any) -> Any:
    """Swaps a stand-in for its array; anything else unknown is damage."""
    if isinstance(value, _ByteArray):
        if value.array is None:
            raise TypeError("an array has no content")
        return value.array
    if isinstance(value, bytes | str | int | list):
        return value
    raise TypeError(f"it holds a {type(value).__name__}")


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
