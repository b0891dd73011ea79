"""Where COCO's official archives put things below the data root."""

from __future__ import annotations

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.boxed_image_files import size_or_absent

SPLITS: dict[str, str] = {"train": "train2017", "eval": "val2017"}
UNPACK = "unpack the official archives again (`papergarden data fetch coco`)"


class CocoLayout:
    """Paths of the files of a split.

    annotations/instances_train2017.json       annotations_trainval2017.zip
    annotations/panoptic_train2017.json        panoptic_annotations_trainval2017.zip
    annotations/panoptic_train2017/….png       a zip inside of it; or panoptic_train2017/….png
    train2017/000000000009.jpg                 train2017.zip
    """

    def __init__(self, data_root: str) -> None:
        self._data_root = data_root

    def images(self, split: str) -> str:
        """The folder of the pictures, below the data root."""
        return SPLITS[split]

    def annotations(self, kind: str, split: str) -> str:
        """An annotation file, below the data root.

        Args:
            kind: `instances` or `panoptic`.
            split: The split.
        """
        return f"annotations/{kind}_{SPLITS[split]}.json"

    def panoptic_maps(self, split: str) -> str:
        """The folder of the PNG files, below the data root.

        Raises:
            DataError: There is none.
        """
        name = f"panoptic_{SPLITS[split]}"
        places = f"annotations/{name}", name
        for place in places:
            if self._is_folder(place):
                return place
        archive = f"annotations/{name}.zip"
        packed = self.is_there(archive)
        raise DataError(
            f"there is no folder {name} of PNG files in {self._data_root}",
            found=f"its archive, {archive}" if packed else "neither " + " nor ".join(places),
            expected=" or ".join(places),
            fix=f"unpack {archive} in its folder" if packed else UNPACK,
        )

    def is_there(self, name: str) -> bool:
        """Whether there is a file of that name below the data root."""
        return size_or_absent(self.path(name)) >= 0

    def path(self, name: str) -> str:
        """The path of a name below the data root."""
        return file_access.join(self._data_root, name)

    def _is_folder(self, name: str) -> bool:
        try:
            return file_access.is_folder(self.path(name))
        except DataError:
            return False
