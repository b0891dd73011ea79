"""CUB-200-2011 in its official layout: 11,788 birds of 200 species, a box each.

images.txt               1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
bounding_boxes.txt       1 60.0 27.0 325.0 304.0        left, top, width, height
image_class_labels.txt   1 1
train_test_split.txt     1 0                            1 = training image
classes.txt              1 001.Black_footed_Albatross
images/001.Black_footed_Albatross/…
"""

from __future__ import annotations

from collections.abc import Mapping

from components.errors import DataError
from components.example_gens import cub_lists as lists
from components.example_gens.boxed_image_config import official_records
from components.example_gens.boxed_image_source import BoxedImage, BoxedImageSource

IMAGES_FILE = "images.txt"
BOXES_FILE = "bounding_boxes.txt"
LABELS_FILE = "image_class_labels.txt"
SPLIT_FILE = "train_test_split.txt"
CLASSES_FILE = "classes.txt"
IMAGES_FOLDER = "images"


class CubSource(BoxedImageSource):
    """CUB-200-2011; an image's label is its class's number in `classes.txt`, less one."""

    DATASET = "cub"
    OFFICIAL_RECORDS = official_records("cub")
    UNPACK = lists.UNPACK

    def list_files(self) -> list[str]:
        """The five lists."""
        return [IMAGES_FILE, BOXES_FILE, LABELS_FILE, SPLIT_FILE, CLASSES_FILE]

    def read_class_names(self) -> list[str]:
        """For example `001.Black_footed_Albatross`."""
        path = self.path(CLASSES_FILE)
        names = lists.read_list(path, lists.parse_name, "a line `1 001.Black_footed_Albatross`")
        if set(names) != set(range(1, len(names) + 1)):
            missing = min(set(range(1, len(names) + 1)) - set(names))
            raise DataError(
                f"{path} leaves out the class {missing}",
                found=f"{len(names)} classes up to number {max(names)}",
                expected="every number from 1 on",
                fix=self.UNPACK,
            )
        return [names[number] for number in sorted(names)]

    def read_list(self) -> list[BoxedImage]:
        """The images in the order of `images.txt`."""
        names = lists.read_list(
            self.path(IMAGES_FILE), lists.parse_name, "a line `1 001.Class_name/picture.jpg`"
        )
        boxes = lists.read_list(
            self.path(BOXES_FILE), lists.parse_box, "a line `1 60.0 27.0 325.0 304.0`"
        )
        labels = lists.read_list(self.path(LABELS_FILE), lists.parse_class, "a line `1 1`")
        flags = lists.read_list(self.path(SPLIT_FILE), lists.parse_flag, "a line `1 0` or `1 1`")
        for file, entries in ((BOXES_FILE, boxes), (LABELS_FILE, labels), (SPLIT_FILE, flags)):
            lists.require_same_ids((self.path(IMAGES_FILE), names), (self.path(file), entries))
        self._refuse_foreign_labels(names, labels)
        return [
            BoxedImage(
                name=str(identifier),
                path=f"{IMAGES_FOLDER}/{name}",
                label=labels[identifier] - 1,
                in_train=flags[identifier],
                box=boxes[identifier],
            )
            for identifier, name in names.items()
        ]

    def _refuse_foreign_labels(self, names: Mapping[int, str], labels: Mapping[int, int]) -> None:
        """Refuses labels without a class, and folders that hold two classes."""
        first_of_folder: dict[str, int] = {}
        for identifier, name in names.items():
            label, folder = labels[identifier], name.rpartition("/")[0]
            if label > len(self.class_names):
                raise DataError(
                    f"{self.path(LABELS_FILE)} gives image {identifier} a class without a name",
                    found=f"class {label}",
                    expected=f"1 to {len(self.class_names)}, the classes of {CLASSES_FILE}",
                    fix=self.UNPACK,
                )
            first = first_of_folder.setdefault(folder, identifier)
            if folder and labels[first] != label:
                raise DataError(
                    f"{self.path(LABELS_FILE)} gives images of one folder different classes",
                    found=f"in {folder}: image {first} of class {labels[first]}, "
                    f"image {identifier} of class {label}",
                    expected="one class a folder",
                    fix=f"{self.UNPACK}: the ids of the lists do not fit together",
                )
