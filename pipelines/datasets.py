"""The data sets that can be fetched and checked. To add one, add its entry here."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import ConfigError
from components.example_gens.dataset_downloads import (
    CIFAR_10_BINARY,
    CIFAR_10_PYTHON,
    COCO_2017,
    CUB_200_2011,
    TINY_IMAGENET,
    ArchiveSet,
    DatasetDownload,
)

if TYPE_CHECKING:
    from components.example_gens.record_source import RecordSource


@dataclass(frozen=True)
class DatasetEntry:
    """A data set in one official layout; nothing heavy is imported to list it.

    Attributes:
        title: The data set, in words.
        recognised_by: Patterns of files below the data root, any one of which tells the layout.
        source: Its `RecordSource`, `module:class`.
        run: What follows `papergarden run` to train on it; the data root is added.
        settings: What the source is given, so that it takes as much of the set as there is.
        classes: Classes of the whole set, where it has any.
        run_subset: The same for a part of it, where that takes another preset.
        download: Its official archive or archives, where it can be fetched.
        make: Writes a generated set in its layout, where one can be made:
            `module:function(directory, images=, classes=, seed=)`.
    """

    title: str
    recognised_by: tuple[str, ...]
    source: str
    run: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    classes: int | None = None
    run_subset: str = ""
    download: DatasetDownload | ArchiveSet | None = None
    make: str = ""

    def open(self, data_root: str) -> RecordSource:
        """The source of the records, as ExampleGen has it."""
        source: type[RecordSource] = _load(self.source)
        return source.from_settings(data_root, self.settings)

    def load_maker(self) -> Callable[..., Path]:
        """The function that writes a generated set."""
        maker: Callable[..., Path] = _load(self.make)
        return maker

    def run_command(self, data_root: str, *, whole: bool = True) -> str:
        """The command that trains on the data set.

        Args:
            data_root: Where it is.
            whole: Whether it has its official numbers; a subset has to be asked for.
        """
        root = f"--data-root {shlex.quote(data_root)}"
        if not whole and self.run_subset:
            return f"papergarden run {self.run_subset} {root}"
        subset = "" if whole or "subset" not in self.settings else " --set data.subset=true"
        return f"papergarden run {self.run} {root}{subset}"


# Boxed images whatever their number; the official training images, each image once.
ANY_BOXED_IMAGES = {
    "subset": True,
    "training_images": "train",
    "fine_classes": 1,
    "super_classes": 1,
}

# The first that recognises a folder is taken: Tiny ImageNet has folders like ImageNet's.
DATASETS: Mapping[str, DatasetEntry] = {
    "cifar10": DatasetEntry(
        title="CIFAR-10, binary version",
        recognised_by=("*_batch*.bin", "cifar-10-batches-bin/*_batch*.bin"),
        source="components.example_gens.cifar_source:CifarSource",
        settings={"dataset": "cifar10", "subset": True},
        classes=10,
        run="only_bn_pipeline --preset paper",
        download=CIFAR_10_BINARY,
    ),
    "cifar10-python": DatasetEntry(
        title="CIFAR-10, python version",
        recognised_by=("data_batch_[0-9]", "test_batch", "cifar-10-batches-py/*_batch*"),
        source="components.example_gens.cifar_source:CifarSource",
        settings={"dataset": "cifar10", "subset": True},
        classes=10,
        run="only_bn_pipeline --preset paper",
        download=CIFAR_10_PYTHON,
    ),
    "tiny-imagenet": DatasetEntry(
        title="Tiny ImageNet",
        recognised_by=("wnids.txt", "val/val_annotations.txt"),
        source="components.example_gens.tiny_imagenet_source:TinyImageNetSource",
        settings={"dataset": "tiny_imagenet", "subset": True},
        classes=200,
        run="only_bn_pipeline --preset efficient",
        download=TINY_IMAGENET,
    ),
    "imagenet": DatasetEntry(
        title="ImageNet (ILSVRC2012)",
        recognised_by=("train/n[0-9]*", "ILSVRC2012_devkit_t12"),
        source="components.example_gens.imagenet_source:ImageNetSource",
        settings={"dataset": "imagenet", "subset": True},
        classes=1000,
        run="only_bn_pipeline --preset paper --set data.dataset=imagenet",
    ),
    "cub": DatasetEntry(
        title="CUB-200-2011",
        recognised_by=("bounding_boxes.txt", "image_class_labels.txt", "train_test_split.txt"),
        source="components.example_gens.cub_source:CubSource",
        settings={"dataset": "cub", **ANY_BOXED_IMAGES},
        classes=200,
        run="finegan_pipeline --preset paper",
        run_subset="finegan_pipeline --preset small",
        download=CUB_200_2011,
        make="components.example_gens.generated_cub:write_generated_cub",
    ),
    "stanford-cars": DatasetEntry(
        title="Stanford Cars",
        recognised_by=("cars_annos.mat", "devkit/cars_meta.mat"),
        source="components.example_gens.stanford_cars_source:StanfordCarsSource",
        settings={"dataset": "stanford_cars", **ANY_BOXED_IMAGES},
        classes=196,
        run="finegan_pipeline --preset paper --set data.dataset=stanford_cars",
        run_subset="finegan_pipeline --preset small --set data.dataset=stanford_cars",
    ),
    "stanford-dogs": DatasetEntry(
        title="Stanford Dogs",
        recognised_by=("train_list.mat", "lists/train_list.mat"),
        source="components.example_gens.stanford_dogs_source:StanfordDogsSource",
        settings={"dataset": "stanford_dogs", **ANY_BOXED_IMAGES},
        classes=120,
        run="finegan_pipeline --preset paper --set data.dataset=stanford_dogs",
        run_subset="finegan_pipeline --preset small --set data.dataset=stanford_dogs",
    ),
    # Before the instances, which the panoptic check reads too where both are there.
    "coco-panoptic": DatasetEntry(
        title="COCO 2017, panoptic segmentation",
        recognised_by=("annotations/panoptic_*2017.json",),
        source="components.example_gens.coco_source:CocoSource",
        settings={"dataset": "coco_panoptic", "subset": True},
        run="detr_pipeline --preset paper --set data.dataset=coco_panoptic",
        run_subset="detr_pipeline --preset small",
        make="components.example_gens.generated_coco:write_generated_coco",
    ),
    "coco": DatasetEntry(
        title="COCO 2017, detection",
        recognised_by=("annotations/instances_*2017.json",),
        source="components.example_gens.coco_source:CocoSource",
        settings={"dataset": "coco_instances", "subset": True},
        run="detr_pipeline --preset paper",
        run_subset="detr_pipeline --preset small --set data.dataset=coco_instances",
        download=COCO_2017,
    ),
}


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def find_dataset(name: str) -> DatasetEntry:
    """The entry of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in DATASETS:
        raise ConfigError("no such data set", found=name, expected=" | ".join(DATASETS))
    return DATASETS[name]


def recognise(data_root: str) -> str | None:
    """The name of the data set that a folder holds, by its files' names; None if no known one."""
    for name, entry in DATASETS.items():
        if any(_is_there(data_root, pattern) for pattern in entry.recognised_by):
            return name
    return None


def _is_there(data_root: str, pattern: str) -> bool:
    if "://" in data_root:
        import tensorflow as tf

        return bool(tf.io.gfile.glob(f"{data_root.rstrip('/')}/{pattern}"))
    return next(Path(data_root).glob(pattern), None) is not None
