"""The labels of ImageNet's validation pictures, from the official development kit.

`ILSVRC2012_validation_ground_truth.txt` holds one ILSVRC2012 id a line, in the order of the
pictures' names. The ids are not the order of the synsets' names: `meta.mat` says which is which.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from components.errors import DataError
from components.example_gens import file_access

GROUND_TRUTH_FILE = "ILSVRC2012_validation_ground_truth.txt"
META_FILE = "meta.mat"

_VALIDATION_NAME = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG", re.IGNORECASE)


def synsets_by_id(path: str) -> dict[int, tuple[str, str]]:
    """ILSVRC2012 id -> (synset, names of the class), of `meta.mat`.

    Raises:
        DataError: The file is missing, damaged or another one.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    content = file_access.read_bytes(path)
    try:
        synsets = loadmat(io.BytesIO(content), squeeze_me=True)["synsets"]
        found = {
            int(one["ILSVRC2012_ID"]): (str(one["WNID"]), str(one["words"]))
            for one in np.atleast_1d(synsets)
            # Those with children are inner nodes of WordNet, not classes.
            if int(one["num_children"]) == 0
        }
    except (MatReadError, KeyError, ValueError, TypeError, IndexError, OSError) as error:
        raise DataError(
            f"{path} is not the development kit's {META_FILE}",
            found=str(error) or type(error).__name__,
            expected="a MATLAB file with the structure `synsets`",
            fix="unpack ILSVRC2012_devkit_t12.tar.gz again",
        ) from error
    if not found:
        raise DataError(f"{path} names no class", expected="1000 synsets without children")
    return found


def validation_ids(path: str) -> list[int]:
    """The ILSVRC2012 ids of the validation pictures, in the order of their names.

    Raises:
        DataError: The file is missing, or a line is no number.
    """
    ids: list[int] = []
    for number, line in enumerate(file_access.read_bytes(path).split(), start=1):
        if not line.isdigit():
            raise DataError(
                f"line {number} of {path} is no class id",
                found=line[:40].decode(errors="replace"),
                expected="a number from 1 to 1000",
                fix="unpack ILSVRC2012_devkit_t12.tar.gz again",
            )
        ids.append(int(line))
    return ids


def synset_of_picture(
    name: str, ids: list[int], synsets: Mapping[int, tuple[str, Any]], path: str
) -> str:
    """The synset of a validation picture, by the number in its name.

    Args:
        name: For example `ILSVRC2012_val_00000001.JPEG`.
        ids: What `validation_ids` gave.
        synsets: What `synsets_by_id` gave.
        path: The ground truth, for errors.

    Raises:
        DataError: The name has no number, the ground truth ends before it, or names no synset.
    """
    match = _VALIDATION_NAME.fullmatch(name)
    number = int(match.group(1)) if match else 0
    if not 1 <= number <= len(ids) or ids[number - 1] not in synsets:
        raise DataError(
            f"the ground truth says nothing about the validation picture {name}",
            found=f"{len(ids):,} lines in {path}"
            + (f", line {number} says {ids[number - 1]}" if 1 <= number <= len(ids) else ""),
            expected="ILSVRC2012_val_NNNNNNNN.JPEG with NNNNNNNN among the lines, and an id of "
            f"{META_FILE}",
            fix="unpack ILSVRC2012_img_val.tar and the development kit again",
        )
    return synsets[ids[number - 1]][0]
