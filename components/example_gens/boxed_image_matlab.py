"""Reads a variable of a MATLAB file, as Stanford Cars and Dogs keep their lists."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from components.errors import DataError
from components.example_gens import file_access


def read_variable(path: str, name: str, unpack: str) -> np.ndarray:
    """A variable of a MATLAB file, without axes of length one.

    Args:
        path: The file.
        name: The variable.
        unpack: How to get the file again; ends errors.

    Returns:
        `[entries]`, of a structure's fields, of strings or of numbers.

    Raises:
        DataError: The file is missing, truncated or no MATLAB file, or has no such variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    content = file_access.read_bytes(path)
    damage = (MatReadError, LookupError, ValueError, TypeError, OSError, EOFError, zlib.error)
    try:
        found = loadmat(io.BytesIO(content), squeeze_me=True, variable_names=[name])[name]
    # MATLAB's 7.3 files are another format, which the official archives do not use.
    except (*damage, NotImplementedError) as error:
        raise DataError(
            f"{path} cannot be read as a MATLAB file with the variable `{name}`",
            found=str(error) or type(error).__name__,
            expected="the file of the official archive, whole",
            fix=unpack,
        ) from error
    return np.atleast_1d(found)


def require_fields(found: np.ndarray, fields: Sequence[str], path: str, unpack: str) -> None:
    """Refuses a variable that is no structure with these fields.

    Raises:
        DataError: It is not.
    """
    names = found.dtype.names or ()
    missing = [field for field in fields if field not in names]
    if missing:
        raise DataError(
            f"{path} lacks the field `{missing[0]}`",
            found=", ".join(names) or "no structure",
            expected=", ".join(fields),
            fix=unpack,
        )


def whole_number(value: Any) -> int:
    """A number of a MATLAB file, where every number may be a floating-point one.

    Raises:
        ValueError: It is none, or not whole.
    """
    if np.ndim(value) != 0 or isinstance(value, str | bytes):
        raise ValueError(f"`{value}` is no number")
    number = float(value)
    if not number.is_integer():
        raise ValueError(f"{number} is not whole")
    return int(number)
