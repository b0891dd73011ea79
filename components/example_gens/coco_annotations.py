"""An annotation file of COCO as an index: what belongs to which image, and where it stands.

The file is read once from end to end, in pieces; kept are ids and positions, 40 bytes an
annotation. The annotations of an image are read again, by position, when its record is made.
"""

from __future__ import annotations

import json
import os
import weakref
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, NamedTuple

import numpy as np

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.coco_layout import UNPACK
from components.example_gens.json_elements import JsonElement, Span, iterate_elements

IMAGES, ANNOTATIONS, CATEGORIES = "images", "annotations", "categories"


class ImageEntry(NamedTuple):
    """An element of `images`.

    Attributes:
        number: Its id.
        file_name: Below the split's folder.
        span: Where the element stands.
    """

    number: int
    file_name: str
    span: Span


@dataclass(frozen=True)
class AnnotationIndex:
    """What an annotation file holds.

    Attributes:
        images: In the order of their ids.
        categories: Where the list of categories stands.
    """

    images: Sequence[ImageEntry]
    categories: Span
    _numbers: np.ndarray
    _spans: np.ndarray

    def spans_of(self, number: int) -> bytes:
        """Where the annotations of an image stand, in the order of the file; see `unpack_spans`."""
        first, end = np.searchsorted(self._numbers, [number, number + 1])
        return self._spans[first:end].tobytes()


def unpack_spans(packed: bytes) -> list[Span]:
    """The spans that `AnnotationIndex.spans_of` packed: 16 bytes each, as references are many."""
    return [Span(*pair) for pair in np.frombuffer(packed, np.int64).reshape(-1, 2).tolist()]


class AnnotationFile:
    """One annotation file; a remote one is copied to this machine first, as it is read by position.

    Args:
        path: The file, local or `gs://…`.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def read_index(self) -> AnnotationIndex:
        """Reads the file from end to end.

        Raises:
            DataError: It is missing, truncated or damaged, an element lacks its ids, an id stands
                twice, or an annotation belongs to no image.
        """
        images: list[ImageEntry] = []
        owners, positions, numbers = array("q"), array("q"), array("q")
        categories: Span | None = None
        for element in self._elements():
            if element.name == IMAGES:
                images.append(self._image(element))
            elif element.name == ANNOTATIONS:
                owners.append(self._whole_number(element, "image_id"))
                # The segments of a panoptic annotation have ids; it has none of its own.
                if "id" in element.value:
                    numbers.append(self._whole_number(element, "id"))
                positions.extend(element.span)
            elif element.name == CATEGORIES:
                categories = element.span
        if categories is None or not images:
            raise DataError(
                f"{self.path} lacks {'images' if categories else '`categories`'}",
                found=f"{len(images)} images and {len(owners)} annotations",
                expected="the members images, annotations and categories",
                fix=UNPACK,
            )
        images.sort(key=lambda image: image.number)
        owner = np.frombuffer(owners, np.int64)
        self._refuse_repeated([image.number for image in images], "image")
        self._refuse_repeated(numbers, "annotation")
        self._refuse_strangers(owner, images)
        order = np.argsort(owner, kind="stable")
        spans = np.frombuffer(positions, np.int64).reshape(-1, 2)
        return AnnotationIndex(images, categories, owner[order], spans[order])

    def read(self, span: Span) -> Any:
        """The value that stands there.

        Raises:
            DataError: Something else is there than when the index was read.
        """
        content = os.pread(self._file.fileno(), span.length, span.start)
        try:
            return json.loads(content)
        except ValueError as error:
            raise DataError(
                f"{self.path} is not what it was when it was first read",
                found=f"{content[:40]!r} at byte {span.start:,}",
                expected="the same file throughout a run",
                fix="run again when nothing writes to it",
            ) from error

    @cached_property
    def _file(self) -> IO[bytes]:
        file = file_access.open_local(self.path)
        weakref.finalize(self, file.close)
        return file

    def _elements(self) -> Iterator[JsonElement]:
        self._file.seek(0)
        arrays = (IMAGES, ANNOTATIONS)
        for element in iterate_elements(self._file, self.path, arrays, UNPACK):
            if element.name in arrays and not isinstance(element.value, dict):
                raise self._unusable(element, "an object", repr(element.value)[:40])
            yield element

    def _image(self, element: JsonElement) -> ImageEntry:
        number = self._whole_number(element, "id")
        name = element.value.get("file_name")
        if not isinstance(name, str) or not name or name.startswith("/") or ".." in name.split("/"):
            raise self._unusable(element, "a `file_name` below the split's folder", repr(name))
        return ImageEntry(number, name, element.span)

    def _whole_number(self, element: JsonElement, key: str) -> int:
        value = element.value.get(key)
        if type(value) is not int or not 0 <= value < 2**62:
            raise self._unusable(element, f"a whole number as `{key}`", repr(value))
        return value

    def _unusable(self, element: JsonElement, expected: str, found: str) -> DataError:
        return DataError(
            f"an element of `{element.name}` of {self.path} cannot be used, "
            f"at byte {element.span.start:,}",
            found=found,
            expected=expected,
            fix=UNPACK,
        )

    def _refuse_repeated(self, numbers: Sequence[int], kind: str) -> None:
        found, counts = np.unique(np.asarray(numbers, np.int64), return_counts=True)
        if len(found) != len(numbers):
            raise DataError(
                f"{self.path} has the {kind} {found[counts > 1][0]} twice",
                found=f"{len(numbers):,} {kind}s, {len(found):,} ids",
                expected="an id of its own for each",
                fix=UNPACK,
            )

    def _refuse_strangers(self, owners: np.ndarray, images: Sequence[ImageEntry]) -> None:
        strangers = np.setdiff1d(owners, [image.number for image in images])
        if len(strangers):
            raise DataError(
                f"{self.path} has annotations of images that it does not list",
                found=f"{len(strangers):,} such images, for example {strangers[0]}",
                expected="the images of all annotations among `images`",
                fix=UNPACK,
            )
