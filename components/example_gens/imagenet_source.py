"""ImageNet (ILSVRC2012): folders of synsets, and the validation pictures with their ground truth.

    train/n01440764/n01440764_10026.JPEG …
    val/ILSVRC2012_val_00000001.JPEG …          with the development kit beside it
    val/n01440764/ILSVRC2012_val_00000293.JPEG  or already sorted into synsets
    ILSVRC2012_devkit_t12/data/{meta.mat,ILSVRC2012_validation_ground_truth.txt}

A class's number is the position of its synset among the sorted names of the training folders, as
torchvision's `ImageFolder` counts.
"""

from __future__ import annotations

from functools import cached_property

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.fingerprints import fingerprint_of_names_and_sizes
from components.example_gens.imagenet_folders import (
    PICTURE_SUFFIXES,
    PictureReference,
    names_and_sizes,
    picture_files,
    require_classes,
    synset_folders,
)
from components.example_gens.imagenet_ground_truth import (
    GROUND_TRUTH_FILE,
    META_FILE,
    synset_of_picture,
    synsets_by_id,
    validation_ids,
)
from components.example_gens.labelled_image_config import (
    NUM_CLASSES,
)
from components.example_gens.synset_source import SynsetSource

DEVKIT_FOLDER = "ILSVRC2012_devkit_t12/data"


class ImageNetSource(SynsetSource):
    """ImageNet: the training pictures in `train`, the official validation pictures in `eval`."""

    DATASET = "imagenet"
    OFFICIAL_RECORDS = {"train": 1_281_167, "eval": 50_000}
    # About 110 MB a file.
    RECORDS_PER_SHARD = 1_000

    def fingerprint(self) -> str:
        """sha256 over the pictures' names, labels and sizes; 1.3 million are not read twice."""
        pictures = [one for split in self.SPLITS for one in self.references(split)]
        return fingerprint_of_names_and_sizes((), names_and_sizes(self.data_root, pictures))

    def training_pictures(self) -> list[PictureReference]:
        """The pictures of the synset folders, class by class."""
        return self._in_synset_folders("train")

    def validation_pictures(self) -> list[PictureReference]:
        """The pictures of the synset folders, or of the one folder with its ground truth."""
        if synset_folders(self.path("val")):
            return self._in_synset_folders("val")
        return self._by_ground_truth()

    @cached_property
    def synsets(self) -> list[str]:
        """The synsets in the order of their labels."""
        folder = self.path("train")
        found = synset_folders(folder)
        require_classes(folder, found, NUM_CLASSES["imagenet"], self.config.subset)
        return found

    @cached_property
    def class_names(self) -> dict[str, str]:
        """Synset -> name, where the development kit is there."""
        folder = self._devkit_folder()
        if folder is None:
            return {}
        return dict(synsets_by_id(file_access.join(folder, META_FILE)).values())

    def _in_synset_folders(self, split: str) -> list[PictureReference]:
        unknown = sorted(set(synset_folders(self.path(split))) - set(self.synsets))
        if unknown:
            raise _unknown_synset(unknown[0], self.path(split))
        return [
            PictureReference(f"{split}/{synset}/{name}", label)
            for label, synset in enumerate(self.synsets)
            for name in picture_files(self.path(f"{split}/{synset}"))
        ]

    def _by_ground_truth(self) -> list[PictureReference]:
        folder = self._devkit_folder()
        if folder is None:
            raise DataError(
                f"the labels of the validation pictures in {self.path('val')} are not there",
                found=f"neither synset folders nor {GROUND_TRUTH_FILE}",
                expected=f"{DEVKIT_FOLDER}/{GROUND_TRUTH_FILE} and {META_FILE} beside `val`",
                fix="unpack ILSVRC2012_devkit_t12.tar.gz into the data root",
            )
        path = file_access.join(folder, GROUND_TRUTH_FILE)
        ids = validation_ids(path)
        synsets = synsets_by_id(file_access.join(folder, META_FILE))
        labels = {synset: label for label, synset in enumerate(self.synsets)}
        found = []
        for name in file_access.list_files(self.path("val")):
            if not name.lower().endswith(PICTURE_SUFFIXES):
                continue
            synset = synset_of_picture(name, ids, synsets, path)
            if synset not in labels:
                raise _unknown_synset(synset, f"{self.path('val')}/{name}")
            found.append(PictureReference(f"val/{name}", labels[synset]))
        return found

    def _devkit_folder(self) -> str | None:
        """Where the development kit's files are: beside `val`, or as its archive unpacks."""
        for folder in (self.path(DEVKIT_FOLDER), self.data_root):
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
