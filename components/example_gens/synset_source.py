"""What ImageNet and Tiny ImageNet have in common: pictures in folders named by synsets.

A class's number is the position of its synset among the sorted ones, as torchvision's `ImageFolder`
counts.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from components.errors import ConfigError
from components.example_gens import file_access
from components.example_gens.imagenet_folders import PictureReference, require_records
from components.example_gens.imagenet_pictures import read_picture_record
from components.example_gens.labelled_image_config import (
    NATIVE_SIDES,
    Dataset,
    LabelledImageDataConfig,
    config_of,
)
from components.example_gens.record_source import Record, RecordSource

Source = TypeVar("Source", bound="SynsetSource")


class SynsetSource(RecordSource):
    """The training pictures in `train`, the official validation pictures in `eval`.

    Attributes:
        DATASET: The value of `data.dataset` that names it.
        FOLDERS: Split -> its folder below the data root.
    """

    SPLITS = ("train", "eval")
    FOLDERS: ClassVar[Mapping[str, str]] = {"train": "train", "eval": "val"}
    DATASET: ClassVar[Dataset]

    def __init__(self, data_root: str, config: LabelledImageDataConfig) -> None:
        self.data_root = data_root
        self.config = config
        self.max_rejected_share = config.max_rejected_share

    @classmethod
    def from_settings(cls: type[Source], data_root: str, settings: Mapping[str, Any]) -> Source:
        """Takes the fields of `LabelledImageDataConfig`."""
        config = config_of(settings)
        if config.dataset != cls.DATASET:
            raise ConfigError(
                f"this reads data.dataset={cls.DATASET}", found=f"data.dataset={config.dataset}"
            )
        return cls(data_root, config)

    def references(self, split: str) -> Sequence[PictureReference]:
        """The pictures of a split: training by class, validation in its official order."""
        found = self.training_pictures() if split == "train" else self.validation_pictures()
        folder = self.path(self.FOLDERS[split])
        require_records(folder, len(found), self.OFFICIAL_RECORDS[split], self.config.subset)
        return found

    def key(self, reference: PictureReference) -> str:
        """The path below the data root."""
        return reference.path

    def read(self, reference: PictureReference) -> Record:
        """Reads and checks one picture."""
        synset = self.synsets[reference.label]
        name = self.class_names.get(synset, synset)
        side = NATIVE_SIDES.get(self.DATASET)
        return read_picture_record(self.data_root, reference, synset, name, side)

    def path(self, name: str) -> str:
        """The path of something below the data root."""
        return file_access.join(self.data_root, name)

    @property
    @abc.abstractmethod
    def synsets(self) -> list[str]:
        """The synsets in the order of their labels."""

    @property
    @abc.abstractmethod
    def class_names(self) -> Mapping[str, str]:
        """Synset -> name of the class, as far as names are known."""

    @abc.abstractmethod
    def training_pictures(self) -> list[PictureReference]:
        """The pictures of `train`."""

    @abc.abstractmethod
    def validation_pictures(self) -> list[PictureReference]:
        """The pictures of `eval`."""
