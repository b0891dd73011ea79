"""ImageNet (ILSVRC2012): folders of synsets, and the validation pictures with their ground truth.

    train/n01440764/n01440764_10026.JPEG …
    val/ILSVRC2012_val_00000001.JPEG …          with the development kit beside it
    val/n01440764/ILSVRC2012_val_00000293.JPEG  or already sorted into synsets
    ILSVRC2012_devkit_t12/data/{meta.mat,ILSVRC2012_validation_ground_truth.txt}

A class's number is the position of its synset among the sorted names of the training folders, as
torchvision's `ImageFolder` counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from components.errors import ConfigError, DataError
from components.example_gens import file_access
from components.example_gens.fingerprints import fingerprint_of_names_and_sizes
from components.example_gens.imagenet_folders import (
    PICTURE_SUFFIXES,
    PictureReference,
    names_and_sizes,
    picture_files,
    require_classes,
    require_records,
    synset_folders,
)
from components.example_gens.imagenet_ground_truth import (
    GROUND_TRUTH_FILE,
    META_FILE,
    synset_of_picture,
    synsets_by_id,
    validation_ids,
)
from components.example_gens.imagenet_pictures import read_picture_record
from components.example_gens.labelled_image_config import (
    NUM_CLASSES,
    LabelledImageDataConfig,
    config_of,
)
from components.example_gens.record_source import Record, RecordSource

OFFICIAL_TRAIN_RECORDS = 1_281_167
OFFICIAL_VALIDATION_RECORDS = 50_000
DEVKIT_FOLDER = "ILSVRC2012_devkit_t12/data"


class ImageNetSource(RecordSource):
    """ImageNet: the training pictures in `train`, the official validation pictures in `eval`."""

    SPLITS = ("train", "eval")
    # About 110 MB a file.
    RECORDS_PER_SHARD = 1_000

    def __init__(self, data_root: str, config: LabelledImageDataConfig) -> None:
        self.data_root = data_root
        self.config = config
        self.max_rejected_share = config.max_rejected_share

    @classmethod
    def from_settings(cls, data_root: str, settings: Mapping[str, Any]) -> ImageNetSource:
        """Takes the fields of `LabelledImageDataConfig`."""
        config = config_of(settings)
        if config.dataset != "imagenet":
            raise ConfigError("this reads ImageNet", found=f"data.dataset={config.dataset}")
        return cls(data_root, config)

    def fingerprint(self) -> str:
        """sha256 over the pictures' names, labels and sizes; 1.3 million are not read twice."""
        pictures = [one for split in self.SPLITS for one in self.references(split)]
        return fingerprint_of_names_and_sizes((), names_and_sizes(self.data_root, pictures))

    def references(self, split: str) -> Sequence[PictureReference]:
        """The pictures of a split: training by class, validation by name."""
        if split == "train":
            found = self._in_synset_folders("train")
            official = OFFICIAL_TRAIN_RECORDS
        elif synset_folders(self._path("val")):
            found = self._in_synset_folders("val")
            official = OFFICIAL_VALIDATION_RECORDS
        else:
            found = self._by_ground_truth()
            official = OFFICIAL_VALIDATION_RECORDS
        require_records(self._path(split), len(found), official, self.config.subset)
        return found

    def key(self, reference: PictureReference) -> str:
        """The path below the data root."""
        return reference.path

    def read(self, reference: PictureReference) -> Record:
        """Reads and checks one picture."""
        synset = self._synsets[reference.label]
        name = self._class_names.get(synset, synset)
        return read_picture_record(self.data_root, reference, synset, name, side=None)

    def _path(self, name: str) -> str:
        return file_access.join(self.data_root, name)

    @cached_property
    def _synsets(self) -> list[str]:
        """The synsets in the order of their labels."""
        folder = self._path("train")
        found = synset_folders(folder)
        require_classes(folder, found, NUM_CLASSES["imagenet"], self.config.subset)
        return found

    @cached_property
    def _class_names(self) -> dict[str, str]:
        """Synset -> name, where the development kit is there."""
        folder = self._devkit_folder()
        if folder is None:
            return {}
        return dict(synsets_by_id(file_access.join(folder, META_FILE)).values())

    def _in_synset_folders(self, split: str) -> list[PictureReference]:
        unknown = sorted(set(synset_folders(self._path(split))) - set(self._synsets))
        if unknown:
            raise _unknown_synset(unknown[0], self._path(split))
        return [
            PictureReference(f"{split}/{synset}/{name}", label)
            for label, synset in enumerate(self._synsets)
            for name in picture_files(self._path(f"{split}/{synset}"))
        ]

    def _by_ground_truth(self) -> list[PictureReference]:
        folder = self._devkit_folder()
        if folder is None:
            raise DataError(
                f"the labels of the validation pictures in {self._path('val')} are not there",
                found=f"neither synset folders nor {GROUND_TRUTH_FILE}",
                expected=f"{DEVKIT_FOLDER}/{GROUND_TRUTH_FILE} and {META_FILE} beside `val`",
                fix="unpack ILSVRC2012_devkit_t12.tar.gz into the data root",
            )
        path = file_access.join(folder, GROUND_TRUTH_FILE)
        ids = validation_ids(path)
        synsets = synsets_by_id(file_access.join(folder, META_FILE))
        labels = {synset: label for label, synset in enumerate(self._synsets)}
        found = []
        for name in file_access.list_files(self._path("val")):
            if not name.lower().endswith(PICTURE_SUFFIXES):
                continue
            synset = synset_of_picture(name, ids, synsets, path)
            if synset not in labels:
                raise _unknown_synset(synset, f"{self._path('val')}/{name}")
            found.append(PictureReference(f"val/{name}", labels[synset]))
        return found

    def _devkit_folder(self) -> str | None:
        """Where the development kit's files are: beside `val`, or as its archive unpacks."""
        for folder in (self._path(DEVKIT_FOLDER), self.data_root):
            try:
                if GROUND_TRUTH_FILE in file_access.list_files(folder):
                    return folder
            except DataError:
                continue
        return None


def _unknown_synset(synset: str, path: str) -> DataError:
    return DataError(
        f"{path} belongs to a class without training pictures",
        found=synset,
        expected="a synset that has a folder in `train`",
        fix="unpack the class's training archive, or take its validation pictures away",
    )
