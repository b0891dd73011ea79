"""What CUB, Stanford Cars and Stanford Dogs share: one boxed object a picture, two official splits.

A subclass says how its lists are read. Each picture of the list becomes a record, or is rejected by
name: a file that is missing or no picture, a box without area.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, TypeVar

from components.errors import ConfigError, DataError
from components.example_gens import file_access
from components.example_gens.boxed_image_config import OFFICIAL, BoxedImageDataConfig, config_of
from components.example_gens.boxed_image_files import size_or_absent
from components.example_gens.boxed_image_records import BoxXYWH, read_boxed_image
from components.example_gens.fingerprints import fingerprint_of_names_and_sizes
from components.example_gens.record_source import Record, RecordSource

Source = TypeVar("Source", bound="BoxedImageSource")


class BoxedImage(NamedTuple):
    """One line of the lists.

    Attributes:
        name: What the data set calls it in its lists: an id or a file name; for errors.
        path: Of the picture, below the data root.
        label: Fine class, from 0.
        in_train: Whether it is an official training image.
        box: The object, pixels; None where it stands in a file of its own.
    """

    name: str
    path: str
    label: int
    in_train: bool
    box: BoxXYWH | None = None


class BoxedImageSource(RecordSource):
    """Pictures with one box each, in the splits `train` and `eval` (the official test images).

    Attributes:
        DATASET: The name in the data section.
        UNPACK: How to get the data again; ends errors.
    """

    SPLITS = ("train", "eval")
    # About 100 MB a file.
    RECORDS_PER_SHARD = 1_000
    DATASET: ClassVar[str]
    UNPACK: ClassVar[str]

    def __init__(self, data_root: str, config: BoxedImageDataConfig) -> None:
        self.data_root = data_root
        self.config = config
        self.max_rejected_share = config.max_rejected_share

    @classmethod
    def from_settings(cls: type[Source], data_root: str, settings: Mapping[str, Any]) -> Source:
        """Takes the fields of `BoxedImageDataConfig`."""
        config = config_of(settings)
        if config.dataset != cls.DATASET:
            raise ConfigError(f"this reads {cls.DATASET}", found=f"data.dataset={config.dataset}")
        return cls(data_root, config)

    @abc.abstractmethod
    def list_files(self) -> list[str]:
        """The files that list the pictures, below the data root."""

    @abc.abstractmethod
    def read_class_names(self) -> list[str]:
        """Names of the fine classes, in the order of their labels."""

    @abc.abstractmethod
    def read_list(self) -> list[BoxedImage]:
        """All pictures that the lists name, in their order, whose labels have a class name."""

    def read_box(self, image: BoxedImage) -> tuple[BoxXYWH, tuple[str, ...]]:
        """The box of a picture, and what had to be chosen.

        Raises:
            RecordError: The box cannot be read.
        """
        if image.box is None:
            raise TypeError(f"{type(self).__name__} lists no boxes and must read them")
        return image.box, ()

    def described(self, image: BoxedImage) -> str:
        """Names a picture in errors."""
        return f"image {image.name} ({self.path(image.path)})"

    def fingerprint(self) -> str:
        """sha256 over the lists' contents and the pictures' names, labels and sizes."""
        return fingerprint_of_names_and_sizes(
            ((name, self.path(name)) for name in self.list_files()), self._names_and_sizes()
        )

    def references(self, split: str) -> Sequence[BoxedImage]:
        """The pictures of a split, in the order of the lists.

        Raises:
            DataError: The lists are damaged, disagree, or do not hold the official numbers.
        """
        if split == "train":
            everything = self.config.trains_on_all
            return [image for image in self.images if everything or image.in_train]
        return [image for image in self.images if not image.in_train]

    def key(self, reference: BoxedImage) -> str:
        """The path below the data root."""
        return reference.path

    def read(self, reference: BoxedImage) -> Record:
        """Reads and checks one picture."""
        box, choices = self.read_box(reference)
        record = read_boxed_image(
            self.path(reference.path),
            described=self.described(reference),
            key=reference.path,
            box=box,
            label=reference.label,
            class_name=self.class_names[reference.label],
        )
        return Record(record.key, record.features, choices + record.conversions)

    def path(self, name: str) -> str:
        """The path of a name below the data root."""
        return file_access.join(self.data_root, name)

    @cached_property
    def class_names(self) -> list[str]:
        """Names of the fine classes, in the order of their labels."""
        names = self.read_class_names()
        official = OFFICIAL[self.DATASET].classes
        if not self.config.subset and len(names) != official:
            raise self._not_official("classes", f"{len(names)}", f"{official}")
        return names

    @cached_property
    def images(self) -> list[BoxedImage]:
        """All pictures of the lists, as many as the configuration asks for."""
        found = self.read_list()
        _refuse_repeated_pictures(found, self.path, self.UNPACK)
        train = sum(image.in_train for image in found)
        counts, official = (train, len(found) - train), OFFICIAL[self.DATASET]
        if not self.config.subset and counts != (official.train_images, official.test_images):
            raise self._not_official(
                "images",
                f"{counts[0]:,} for training, {counts[1]:,} for testing",
                f"{official.train_images:,} and {official.test_images:,}",
            )
        self._refuse_too_few_classes(found)
        return found

    def _refuse_too_few_classes(self, found: Sequence[BoxedImage]) -> None:
        present, wanted = len({image.label for image in found}), self.config.num_fine_classes
        if present < wanted:
            raise DataError(
                f"{self.data_root} holds fewer classes than configured",
                found=f"images of {present} classes",
                expected=f"at least {wanted} (data.fine_classes)",
                fix=f"--set data.fine_classes={present} and data.super_classes to at most that, "
                "or use the whole data set",
            )

    def _not_official(self, what: str, found: str, expected: str) -> DataError:
        return DataError(
            f"{self.data_root} does not hold the official number of {what}",
            found=found,
            expected=expected,
            fix=f"{self.UNPACK}, or accept a subset with --set data.subset=true",
        )

    def _names_and_sizes(self) -> Iterator[tuple[str, int]]:
        for image in self.images:
            yield f"{image.path}={image.label}", size_or_absent(self.path(image.path))


def _refuse_repeated_pictures(
    found: Sequence[BoxedImage], path: Callable[[str], str], unpack: str
) -> None:
    first: dict[str, str] = {}
    for image in found:
        if image.path in first:
            raise DataError(
                f"the picture {path(image.path)} is listed twice",
                found=f"as {first[image.path]} and as {image.name}",
                expected="one entry a picture",
                fix=unpack,
            )
        first[image.path] = image.name
