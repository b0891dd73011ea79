"""COCO 2017 in its official layout: pictures with their objects, or with their segments.

`coco_layout.CocoLayout` says where the files are. Splits are as given: `train` is train2017, `eval`
is val2017. Records come in the order of the image ids, those without an object too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.boxed_image_files import size_or_absent
from components.example_gens.coco_annotations import AnnotationFile, AnnotationIndex
from components.example_gens.coco_config import OFFICIAL_RECORDS, CocoDataConfig, config_of
from components.example_gens.coco_layout import SPLITS, UNPACK, CocoLayout
from components.example_gens.coco_records import CocoReference, CocoSplitReader
from components.example_gens.fingerprints import fingerprint_of_names_and_sizes
from components.example_gens.record_source import Record, RecordSource

INSTANCES, PANOPTIC = "instances", "panoptic"
_REQUESTS_AT_ONCE = 32


class CocoSource(RecordSource):
    """COCO's instances or panoptic annotations, whichever the configuration names.

    Beside panoptic annotations, `instances_*.json` is read where it is there: detection is scored
    against its objects, also for the panoptic model.
    """

    SPLITS = tuple(SPLITS)
    OFFICIAL_RECORDS = OFFICIAL_RECORDS
    # About 80 MB a file.
    RECORDS_PER_SHARD = 500

    def __init__(self, data_root: str, config: CocoDataConfig) -> None:
        self.data_root = data_root
        self.config = config
        self.layout = CocoLayout(data_root)
        self.max_rejected_share = config.max_rejected_share
        self.max_rejected_objects_share = config.max_rejected_objects_share
        self._files: dict[str, AnnotationFile] = {}
        self._readers: dict[str, CocoSplitReader] = {}

    @classmethod
    def from_settings(cls, data_root: str, settings: Mapping[str, Any]) -> CocoSource:
        """Takes the fields of `CocoDataConfig`."""
        return cls(data_root, config_of(settings))

    @property
    def kind(self) -> str:
        """Which file says what the records are: `instances` or `panoptic`."""
        return PANOPTIC if self.config.dataset == "coco_panoptic" else INSTANCES

    def fingerprint(self) -> str:
        """sha256 over the annotation files' contents and the names and sizes of all pictures."""
        names = [
            self.layout.annotations(kind, split)
            for split in self.SPLITS
            for kind in self._kinds(split)
        ]
        folders = [self.layout.images(split) for split in self.SPLITS]
        if self.kind == PANOPTIC:
            folders += [self.layout.panoptic_maps(split) for split in self.SPLITS]
        return fingerprint_of_names_and_sizes(
            ((name, self.layout.path(name)) for name in names),
            (pair for folder in folders for pair in self._names_and_sizes(folder)),
        )

    def references(self, split: str) -> Sequence[CocoReference]:
        """The pictures of a split, in the order of their ids.

        Raises:
            DataError: An annotation file is missing, damaged or contradicts itself or another one,
                or does not list the official number of pictures.
        """
        indices = {kind: self._file(kind, split).read_index() for kind in self._kinds(split)}
        main = indices[self.kind]
        self._require_official_number(split, len(main.images))
        if self.kind == PANOPTIC:
            self.layout.panoptic_maps(split)
        self._refuse_other_images(split, indices)
        references = []
        for image in main.images:
            spans = {kind: index.spans_of(image.number) for kind, index in indices.items()}
            references.append(
                CocoReference(
                    split,
                    *image,
                    main.categories,
                    spans.get(INSTANCES, b""),
                    spans.get(PANOPTIC, b""),
                )
            )
        self._reader(split).catalogue(main.categories)
        return references

    def key(self, reference: CocoReference) -> str:
        """The path below the data root."""
        return f"{self.layout.images(reference.split)}/{reference.file_name}"

    def read(self, reference: CocoReference) -> Record:
        """Reads and checks one picture with its objects and segments."""
        return self._reader(reference.split).read(reference, self.key(reference))

    def _kinds(self, split: str) -> list[str]:
        """The annotation files of a split that are read."""
        if self.kind == INSTANCES:
            return [INSTANCES]
        there = self.layout.is_there(self.layout.annotations(INSTANCES, split))
        return [PANOPTIC, INSTANCES] if there else [PANOPTIC]

    def _file(self, kind: str, split: str) -> AnnotationFile:
        name = self.layout.annotations(kind, split)
        if name not in self._files:
            self._files[name] = AnnotationFile(self.layout.path(name))
        return self._files[name]

    def _reader(self, split: str) -> CocoSplitReader:
        if split not in self._readers:
            files = {kind: self._file(kind, split) for kind in self._kinds(split)}
            self._readers[split] = CocoSplitReader(
                split, self.layout, self.config, files.get(INSTANCES), files.get(PANOPTIC)
            )
        return self._readers[split]

    def _require_official_number(self, split: str, found: int) -> None:
        official = OFFICIAL_RECORDS[split]
        if not self.config.subset and found != official:
            raise DataError(
                f"{self._file(self.kind, split).path} does not list the official number of images",
                found=f"{found:,}",
                expected=f"{official:,}",
                fix=f"{UNPACK}, or accept a subset with --set data.subset=true",
            )

    def _refuse_other_images(self, split: str, indices: Mapping[str, AnnotationIndex]) -> None:
        """Refuses two files about different pictures."""
        if len(indices) < 2:
            return

        def names(kind: str) -> dict[int, str]:
            return {image.number: image.file_name for image in indices[kind].images}

        segments, objects = names(PANOPTIC), names(INSTANCES)
        other = [one for one, name in segments.items() if objects.get(one) != name]
        if other:
            raise DataError(
                f"{self._file(PANOPTIC, split).path} lists pictures that "
                f"{self._file(INSTANCES, split).path} does not",
                found=f"{len(other):,}, for example {segments[other[0]]}",
                expected="all pictures of the first in the second, with the same file names",
                fix=f"{UNPACK}; or take the second file away, and the things among the segments "
                "are what detection is scored against",
            )

    def _names_and_sizes(self, folder: str) -> Iterator[tuple[str, int]]:
        path = self.layout.path(folder)
        if not file_access.is_remote(path):
            if not file_access.is_folder(path):
                return
            with os.scandir(path) as entries:
                yield from ((f"{folder}/{one.name}", one.stat().st_size) for one in entries)
            return
        names = file_access.list_files(path)
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            sizes = pool.map(size_or_absent, (file_access.join(path, name) for name in names))
            yield from zip((f"{folder}/{name}" for name in names), sizes, strict=True)
