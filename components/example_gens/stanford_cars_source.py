"""Stanford Cars: 16,185 cars of 196 models, a box each; in either of its official layouts.

The development kit, with training and test images apart:

    devkit/cars_meta.mat                        class_names
    devkit/cars_train_annos.mat                 annotations: fname, class, bbox_x1 … bbox_y2
    cars_test_annos_withlabels.mat              the same of the test images; here or in devkit/
    cars_train/00001.jpg …
    cars_test/00001.jpg …

The later archive, with all of them in one folder:

    cars_annos.mat                              annotations: relative_im_path, class, test, bbox_…
    car_ims/000001.jpg …

Corners count pixels from 1, both inclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.boxed_image_config import official_records
from components.example_gens.boxed_image_files import size_or_absent
from components.example_gens.boxed_image_matlab import (
    read_variable,
    require_fields,
    whole_number,
)
from components.example_gens.boxed_image_records import BoxXYWH
from components.example_gens.boxed_image_source import BoxedImage, BoxedImageSource

ALL_ANNOTATIONS = "cars_annos.mat"
META = "devkit/cars_meta.mat"
TRAIN_ANNOTATIONS = "devkit/cars_train_annos.mat"
TEST_ANNOTATIONS = ("cars_test_annos_withlabels.mat", "devkit/cars_test_annos_withlabels.mat")

_CORNERS = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


class _Annotations(NamedTuple):
    """A file of annotations.

    Attributes:
        file: Below the data root.
        name_field: The field with the picture's name.
        folder: What goes before that name.
        in_train: Whether they are training images; None where the field `test` says so.
    """

    file: str
    name_field: str
    folder: str
    in_train: bool | None


class StanfordCarsSource(BoxedImageSource):
    """Stanford Cars; an image's label is its class's number, less one."""

    DATASET = "stanford_cars"
    OFFICIAL_RECORDS = official_records("stanford_cars")
    UNPACK = "unpack the archives of Stanford Cars (car_ims.tgz with cars_annos.mat, or the devkit)"

    def list_files(self) -> list[str]:
        """The files of annotations, and the one with the class names."""
        files = [one.file for one in self._annotations]
        return files if ALL_ANNOTATIONS in files else [META, *files]

    def read_class_names(self) -> list[str]:
        """For example `AM General Hummer SUV 2000`."""
        file = self.list_files()[0]
        names = read_variable(self.path(file), "class_names", self.UNPACK)
        return [str(name) for name in names]

    def read_list(self) -> list[BoxedImage]:
        """The images in the order of the annotations, training images first."""
        return [image for file in self._annotations for image in self._read(file)]

    @cached_property
    def _annotations(self) -> list[_Annotations]:
        if size_or_absent(self.path(ALL_ANNOTATIONS)) >= 0:
            return [_Annotations(ALL_ANNOTATIONS, "relative_im_path", "", None)]
        test = next(
            (name for name in TEST_ANNOTATIONS if size_or_absent(self.path(name)) >= 0), None
        )
        if size_or_absent(self.path(TRAIN_ANNOTATIONS)) < 0 or test is None:
            raise DataError(
                f"{self.data_root} holds no annotations of Stanford Cars",
                found=f"neither {ALL_ANNOTATIONS} nor both {TRAIN_ANNOTATIONS} and "
                f"{TEST_ANNOTATIONS[0]}",
                expected="one of the official layouts (the devkit's cars_test_annos.mat has no "
                "classes)",
                fix=f"{self.UNPACK}, and download cars_test_annos_withlabels.mat",
            )
        return [
            _Annotations(TRAIN_ANNOTATIONS, "fname", "cars_train", True),
            _Annotations(test, "fname", "cars_test", False),
        ]

    def _read(self, file: _Annotations) -> list[BoxedImage]:
        path = self.path(file.file)
        found = read_variable(path, "annotations", self.UNPACK)
        fields = [file.name_field, "class", *_CORNERS]
        require_fields(
            found, fields if file.in_train is not None else [*fields, "test"], path, self.UNPACK
        )
        return [
            self._image(entry, file, f"entry {number} of {path}")
            for number, entry in enumerate(found, start=1)
        ]

    def _image(self, entry: Mapping[str, Any], file: _Annotations, described: str) -> BoxedImage:
        name = str(entry[file.name_field])
        try:
            label = whole_number(entry["class"])
            left, top, right, bottom = (whole_number(entry[corner]) for corner in _CORNERS)
            in_train = not whole_number(entry["test"]) if file.in_train is None else file.in_train
        except ValueError as error:
            raise DataError(
                f"{described} ({name}) cannot be read",
                found=error,
                expected=f"whole numbers in class, {', '.join(_CORNERS)}",
                fix=self.UNPACK,
            ) from error
        if not 1 <= label <= len(self.class_names):
            raise DataError(
                f"{described} ({name}) has a class without a name",
                found=f"class {label}",
                expected=f"1 to {len(self.class_names)}",
                fix=self.UNPACK,
            )
        box: BoxXYWH = (left - 1.0, top - 1.0, right - left + 1.0, bottom - top + 1.0)
        path = file_access.join(file.folder, name) if file.folder else name
        return BoxedImage(name, path, label - 1, in_train, box)
