"""Tiny ImageNet in its official layout: 200 synsets, pictures of 64 x 64.

    wnids.txt                               the synsets
    words.txt                               synset, tab, names (of all of WordNet)
    train/n01443537/images/n01443537_0.JPEG …
    val/images/val_0.JPEG …
    val/val_annotations.txt                 name, synset, box; tabs between
    test/images/…                           without labels; not read

A class's number is the position of its synset among the sorted ones, as for ImageNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.fingerprints import fingerprint_of_names_and_sizes
from components.example_gens.imagenet_folders import (
    SYNSET,
    PictureReference,
    names_and_sizes,
    picture_files,
    require_classes,
)
from components.example_gens.labelled_image_config import (
    NUM_CLASSES,
)
from components.example_gens.synset_source import SynsetSource

SYNSETS_FILE = "wnids.txt"
WORDS_FILE = "words.txt"
ANNOTATIONS_FILE = "val/val_annotations.txt"


class TinyImageNetSource(SynsetSource):
    """Tiny ImageNet: `train`, and the official validation pictures in `eval`."""

    DATASET = "tiny_imagenet"
    OFFICIAL_RECORDS = {"train": 100_000, "eval": 10_000}
    RECORDS_PER_SHARD = 5_000

    def fingerprint(self) -> str:
        """sha256 over the lists' contents and the pictures' names, labels and sizes."""
        lists = (SYNSETS_FILE, WORDS_FILE, ANNOTATIONS_FILE)
        pictures = [one for split in self.SPLITS for one in self.references(split)]
        return fingerprint_of_names_and_sizes(
            ((name, self.path(name)) for name in lists), names_and_sizes(self.data_root, pictures)
        )

    def training_pictures(self) -> list[PictureReference]:
        """The pictures of the classes' folders, class by class."""
        return [
            PictureReference(f"train/{synset}/images/{name}", label)
            for label, synset in enumerate(self.synsets)
            for name in picture_files(self.path(f"train/{synset}/images"))
        ]

    def _lines(self, name: str) -> list[str]:
        content = file_access.read_bytes(self.path(name))
        return [line for line in content.decode(errors="replace").splitlines() if line.strip()]

    @cached_property
    def synsets(self) -> list[str]:
        """The synsets in the order of their labels."""
        path = self.path(SYNSETS_FILE)
        found = sorted({line.strip() for line in self._lines(SYNSETS_FILE)})
        for synset in found:
            if not SYNSET.fullmatch(synset):
                raise DataError(
                    f"{path} does not list synsets",
                    found=synset[:40],
                    expected="a WordNet id a line, for example n01443537",
                    fix="unpack tiny-imagenet-200.zip again",
                )
        require_classes(path, found, NUM_CLASSES["tiny_imagenet"], self.config.subset)
        return found

    @cached_property
    def class_names(self) -> dict[str, str]:
        """Synset -> name of the class."""
        pairs = (line.partition("\t") for line in self._lines(WORDS_FILE))
        return {synset: words.strip() for synset, _, words in pairs}

    def validation_pictures(self) -> list[PictureReference]:
        """The pictures that the annotations list; those and the files must agree."""
        labels = {synset: label for label, synset in enumerate(self.synsets)}
        found = []
        for number, line in enumerate(self._lines(ANNOTATIONS_FILE), start=1):
            name, _, rest = line.partition("\t")
            synset = rest.partition("\t")[0]
            if synset not in labels:
                raise DataError(
                    f"line {number} of {self.path(ANNOTATIONS_FILE)} names no class of the set",
                    found=line[:60],
                    expected=f"name, tab, a synset of {SYNSETS_FILE}, tab, box",
                    fix="unpack tiny-imagenet-200.zip again",
                )
            found.append(PictureReference(f"val/images/{name}", labels[synset]))
        self._refuse_disagreement([reference.path for reference in found])
        return found

    def _refuse_disagreement(self, listed: Sequence[str]) -> None:
        present = {f"val/images/{name}" for name in picture_files(self.path("val/images"))}
        for what, names in (
            ("has validation pictures without a label", present - set(listed)),
            ("lists validation pictures that are not there", set(listed) - present),
        ):
            if names:
                raise DataError(
                    f"{self.path(ANNOTATIONS_FILE)}: the set {what}",
                    found=f"{len(names)}, for example {min(names)}",
                    expected="one line a picture",
                    fix="unpack tiny-imagenet-200.zip again",
                )
        if len(listed) != len(set(listed)):
            raise DataError(
                f"{self.path(ANNOTATIONS_FILE)} lists a picture twice",
                found=f"{len(listed)} lines, {len(set(listed))} names",
                expected="one line a picture",
                fix="unpack tiny-imagenet-200.zip again",
            )
