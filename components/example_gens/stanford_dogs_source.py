"""Stanford Dogs in its official layout: 20,580 dogs of 120 breeds, with boxes in XML.

Images/n02085620-Chihuahua/n02085620_10074.jpg
Annotation/n02085620-Chihuahua/n02085620_10074          XML without ending
train_list.mat, test_list.mat                           file_list, labels; here or in lists/
"""

from __future__ import annotations

import math
from functools import cached_property
from xml.etree import ElementTree

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.boxed_image_config import official_records
from components.example_gens.boxed_image_files import size_or_absent
from components.example_gens.boxed_image_matlab import read_variable, whole_number
from components.example_gens.boxed_image_records import BoxXYWH
from components.example_gens.boxed_image_source import BoxedImage, BoxedImageSource
from components.example_gens.record_source import RecordError

LISTS = {True: "train_list.mat", False: "test_list.mat"}
LISTS_FOLDER = "lists"
IMAGES_FOLDER = "Images"
ANNOTATIONS_FOLDER = "Annotation"

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class StanfordDogsSource(BoxedImageSource):
    """Stanford Dogs; an image's label is its breed's number, less one.

    A picture with several dogs gets the largest box, and is counted.
    """

    DATASET = "stanford_dogs"
    OFFICIAL_RECORDS = official_records("stanford_dogs")
    UNPACK = "unpack images.tar, annotation.tar and lists.tar of Stanford Dogs again"

    def list_files(self) -> list[str]:
        """Both lists and the annotations that are there."""
        annotations = (_annotation(image) for image in self.images)
        return [self._list_file(in_train) for in_train in LISTS] + [
            name for name in annotations if size_or_absent(self.path(name)) >= 0
        ]

    def read_class_names(self) -> list[str]:
        """The folders by label, for example `n02085620-Chihuahua`; empty where there is none."""
        folders: dict[int, str] = {}
        for image in self._entries:
            folder = image.path.split("/")[1]
            first = folders.setdefault(image.label, folder)
            if first != folder:
                raise DataError(
                    f"the lists of {self.data_root} give pictures of two folders one label",
                    found=f"label {image.label + 1}: {first} and {folder}",
                    expected="one folder a breed",
                    fix=self.UNPACK,
                )
        return [folders.get(label, "") for label in range(max(folders) + 1)]

    def read_list(self) -> list[BoxedImage]:
        """The images in the order of the lists, training images first."""
        _ = self.class_names
        return self._entries

    def read_box(self, image: BoxedImage) -> tuple[BoxXYWH, tuple[str, ...]]:
        """The largest box of the picture's annotation."""
        path = self.path(_annotation(image))
        if size_or_absent(path) < 0:
            raise RecordError(
                "missing_annotation",
                f"the annotation of {self.described(image)} is not there",
                found=f"no file {path}",
                expected="the picture's XML annotation",
                fix=self.UNPACK,
            )
        try:
            boxes = _boxes(file_access.read_bytes(path))
        except (ElementTree.ParseError, ValueError) as error:
            raise RecordError(
                "damaged_annotation",
                f"the annotation {path} of {self.described(image)} cannot be read",
                found=error,
                expected="XML with object/bndbox/{xmin, ymin, xmax, ymax}, numbers",
                fix=self.UNPACK,
            ) from error
        largest = max(boxes, key=lambda box: max(box[2], 0.0) * max(box[3], 0.0))
        return largest, ("largest_of_several_boxes",) if len(boxes) > 1 else ()

    @cached_property
    def _entries(self) -> list[BoxedImage]:
        return [image for in_train in LISTS for image in self._read(in_train)]

    def _list_file(self, in_train: bool) -> str:
        """The official archive has the lists beside its folders."""
        in_folder = file_access.join(LISTS_FOLDER, LISTS[in_train])
        return in_folder if size_or_absent(self.path(in_folder)) >= 0 else LISTS[in_train]

    def _read(self, in_train: bool) -> list[BoxedImage]:
        path = self.path(self._list_file(in_train))
        names = read_variable(path, "file_list", self.UNPACK)
        labels = read_variable(path, "labels", self.UNPACK)
        if len(names) != len(labels):
            raise DataError(
                f"{path} does not give every picture a label",
                found=f"{len(names)} names, {len(labels)} labels",
                expected="as many of each",
                fix=self.UNPACK,
            )
        return [
            self._image(str(name), label, in_train, f"entry {number} of {path}")
            for number, (name, label) in enumerate(zip(names, labels, strict=True), start=1)
        ]

    def _image(self, name: str, label: object, in_train: bool, described: str) -> BoxedImage:
        try:
            number = whole_number(label)
        except ValueError as error:
            raise self._bad_entry(described, name, str(error)) from error
        if number < 1 or name.count("/") != 1:
            raise self._bad_entry(described, name, f"label {number}")
        return BoxedImage(name, f"{IMAGES_FOLDER}/{name}", number - 1, in_train)

    def _bad_entry(self, described: str, name: str, found: str) -> DataError:
        return DataError(
            f"{described} cannot be used",
            found=f"{name}, {found}",
            expected="`folder/picture.jpg`, and a label from 1 on",
            fix=self.UNPACK,
        )


def _annotation(image: BoxedImage) -> str:
    name = image.path.removeprefix(f"{IMAGES_FOLDER}/").rpartition(".")[0]
    return f"{ANNOTATIONS_FOLDER}/{name}"


def _boxes(content: bytes) -> list[BoxXYWH]:
    """The boxes of an annotation, pixels.

    Raises:
        ValueError: There is none, or one is not made of numbers.
    """
    found: list[BoxXYWH] = []
    for box in ElementTree.fromstring(content).findall("object/bndbox"):
        left, top, right, bottom = (float(box.findtext(corner, "")) for corner in _CORNERS)
        if not all(map(math.isfinite, (left, top, right, bottom))):
            raise ValueError("a corner is not finite")
        found.append((left, top, right - left, bottom - top))
    if not found:
        raise ValueError("it holds no object/bndbox")
    return found
