"""Makes a checked record of one picture of COCO, its objects and its segments."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from components.example_gens import coco_features as keys
from components.example_gens import file_access
from components.example_gens.coco_annotations import AnnotationFile, unpack_spans
from components.example_gens.coco_catalogue import Catalogue, read_catalogue
from components.example_gens.coco_config import CocoDataConfig
from components.example_gens.coco_layout import UNPACK, CocoLayout
from components.example_gens.coco_objects import ObjectList, check_objects
from components.example_gens.coco_segments import PanopticMap, SegmentChecker
from components.example_gens.image_reader import ReadImage
from components.example_gens.json_elements import Span
from components.example_gens.record_source import Record, RecordError
from components.example_gens.stored_pictures import read_listed_file, read_stored_picture


class CocoReference(NamedTuple):
    """One picture: what it is called, and where its annotations stand.

    Attributes:
        split: Its split.
        number: COCO's image id.
        file_name: Below the split's folder.
        image: Its element of `images`, in the file of the data set's kind.
        categories: The list of categories, in the same file.
        objects: Its annotations in `instances_*.json`; see `unpack_spans`.
        segments: Its annotations in `panoptic_*.json`; likewise.
    """

    split: str
    number: int
    file_name: str
    image: Span
    categories: Span
    objects: bytes
    segments: bytes


class CocoSplitReader:
    """Reads the pictures of one split, one by one.

    Args:
        split: The split.
        layout: Where the files are.
        config: What is wanted of them.
        instances: `instances_*.json`, if it is read.
        panoptic: `panoptic_*.json`, if it is read; then it says what the records are.
    """

    def __init__(
        self,
        split: str,
        layout: CocoLayout,
        config: CocoDataConfig,
        instances: AnnotationFile | None,
        panoptic: AnnotationFile | None,
    ) -> None:
        self._split, self._layout, self._config = split, layout, config
        self._instances, self._panoptic = instances, panoptic
        self._catalogue: Catalogue | None = None
        self._checker = SegmentChecker()

    def read(self, reference: CocoReference, key: str) -> Record:
        """Reads and checks a picture.

        Raises:
            RecordError: It cannot be used.
        """
        path = self._layout.path(key)
        described = f"image {reference.number} ({path})"
        picture, conversions = read_stored_picture(path, described)
        self._check_size(reference, picture, described)
        panoptic = None
        if self._panoptic:
            panoptic = self._panoptic_map(reference, picture, self._panoptic)
        objects = self._objects(reference, picture, panoptic, described)
        self._require_room(objects, panoptic, described)
        if objects.some_clipped:
            # Transform cuts the boxes; it is counted here.
            conversions.append("box_clipped")
        return Record(
            key,
            {
                keys.IMAGE_ENCODED: picture.encoded,
                keys.IMAGE_HEIGHT: picture.height,
                keys.IMAGE_WIDTH: picture.width,
                keys.IMAGE_CHANNELS: picture.channels,
                keys.IMAGE_ID: key.encode(),
                keys.IMAGE_NUMBER: reference.number,
                **objects.features(),
                **(panoptic.features() if panoptic else {}),
            },
            tuple(conversions),
            len(objects.objects) + len(objects.rejected),
            tuple(objects.rejected),
        )

    def catalogue(self, categories: Span) -> Catalogue:
        """The categories of the split; read once.

        Raises:
            DataError: They cannot be used.
        """
        if self._catalogue is None:
            listed = self._main.read(categories)
            self._catalogue = read_catalogue(listed, self._main.path, self._config)
        return self._catalogue

    @property
    def _main(self) -> AnnotationFile:
        """The file that says what the records are."""
        found = self._panoptic or self._instances
        if found is None:
            raise TypeError("a split needs an annotation file")
        return found

    def _check_size(self, reference: CocoReference, picture: ReadImage, described: str) -> None:
        listed = self._main.read(reference.image)
        size = listed.get("height"), listed.get("width")
        if size != (picture.height, picture.width):
            raise RecordError(
                "image_size",
                f"{described} has another size than {self._main.path} says",
                found=f"{picture.width} x {picture.height} pixels",
                expected=f"{size[1]} x {size[0]} pixels",
                fix="boxes count pixels of the official pictures; do not resize them",
            )
        if not self._config.fits(picture.height, picture.width):
            raise RecordError(
                "too_long",
                f"{described} does not fit onto the canvas once it is resized",
                found=f"{picture.width} x {picture.height} pixels; shorter side to "
                f"{self._config.eval_size}, longer side about {self._config.max_size}",
                expected=f"at most {self._config.canvas_size} pixels and at least 1 each way",
                fix="--set data.canvas_size=VALUE a little larger, or take the picture out",
            )

    def _panoptic_map(
        self, reference: CocoReference, picture: ReadImage, file: AnnotationFile
    ) -> PanopticMap:
        found = [file.read(span) for span in unpack_spans(reference.segments)]
        if len(found) != 1 or not isinstance(found[0].get("file_name"), str):
            raise RecordError(
                "no_segments",
                f"{file.path} does not say what the segments of image {reference.number} are",
                found=f"{len(found)} annotations",
                expected="one, with `file_name` and `segments_info`",
                fix=UNPACK,
            )
        path = file_access.join(self._map_folder, found[0]["file_name"])
        described = f"the map of image {reference.number} ({path})"
        return self._checker.check(
            read_listed_file(path, described, "missing_png", "a PNG"),
            found[0].get("segments_info"),
            self.catalogue(reference.categories).known,
            (picture.height, picture.width),
            described,
        )

    @cached_property
    def _map_folder(self) -> str:
        return self._layout.path(self._layout.panoptic_maps(self._split))

    def _objects(
        self,
        reference: CocoReference,
        picture: ReadImage,
        panoptic: PanopticMap | None,
        described: str,
    ) -> ObjectList:
        """Those of `instances_*.json`, else the things among the segments."""
        catalogue = self.catalogue(reference.categories)
        if self._instances is None:
            return ObjectList(panoptic.things(catalogue.things) if panoptic else [])
        annotations = [self._instances.read(span) for span in unpack_spans(reference.objects)]
        size = picture.height, picture.width
        return check_objects(annotations, catalogue.known, *size, described)

    def _require_room(
        self, objects: ObjectList, panoptic: PanopticMap | None, described: str
    ) -> None:
        most = max(len(objects.objects), len(panoptic.segments) if panoptic else 0)
        if most > self._config.max_objects:
            raise RecordError(
                "too_many_objects",
                f"{described} has more objects than the arrays hold",
                found=f"{most} objects or segments",
                expected=f"at most {self._config.max_objects}",
                fix=f"--set data.max_objects={most}",
            )
