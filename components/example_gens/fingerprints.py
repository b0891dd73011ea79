"""Names for the state of a data set, which decide whether ExampleGen runs again.

They never look at modification times: a copy or a fresh download of the same data is the same data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from components.example_gens import file_access


def fingerprint_of_contents(files: Iterable[tuple[str, str]]) -> str:
    """sha256 over names and contents; for data sets of a few files.

    Args:
        files: (name, path) pairs. The name enters the fingerprint, the path does not.

    Returns:
        64 hexadecimal digits.
    """
    total = hashlib.sha256()
    for name, path in files:
        total.update(f"{name}\0{file_access.sha256(path)}\n".encode())
    return total.hexdigest()


def fingerprint_of_names_and_sizes(
    annotations: Iterable[tuple[str, str]], files: Iterable[tuple[str, int]]
) -> str:
    """sha256 over the annotation files' contents and the other files' names and sizes.

    For data sets whose images are too many to be read twice.

    Args:
        annotations: (name, path) pairs of the files whose bytes are hashed.
        files: (name, size in bytes) pairs of the files whose bytes are not; in any order.

    Returns:
        64 hexadecimal digits.
    """
    total = hashlib.sha256(fingerprint_of_contents(annotations).encode())
    for name, size in sorted(files):
        total.update(f"{name}\0{size}\n".encode())
    return total.hexdigest()
