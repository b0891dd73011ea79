"""The `data` section of a paper on COCO: which annotations are read, and the network's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from components.errors import ConfigError
from components.example_gens.coco_sizes import largest_crop_view, resized_size
from components.example_gens.data_settings import require_setting

Dataset = Literal["coco_instances", "coco_panoptic"]
Task = Literal["detection", "panoptic"]
Augmentation = Literal["none", "flip_and_resize", "flip_resize_and_crop"]
Categories = Literal["official", "custom"]

# Of the splits train2017 and val2017, for both kinds of annotations.
OFFICIAL_RECORDS: dict[str, int] = {"train": 118_287, "eval": 5_000}
# One more than the highest category id that counts, as the authors' code has it.
OFFICIAL_CLASSES: dict[str, int] = {"coco_instances": 91, "coco_panoptic": 250}


@dataclass(frozen=True)
class CocoDataConfig:
    """Which annotations are read, and how pictures become the network's input.

    Sides are in pixels. A picture is resized until its shorter side has the wanted length, or its
    longer side `max_size` (`coco_sizes.resized_size`), and laid onto the top left of a black square
    canvas.

    Attributes:
        dataset: `coco_instances`: the objects of `instances_*.json`. `coco_panoptic`: the segments
            of `panoptic_*.json` and its PNG files, things and stuff.
        task: `detection`: boxes. `panoptic`: boxes and masks.
        subset: Accept other numbers of pictures than the official ones.
        categories: `official`: every category is one of COCO's, with COCO's id and name. `custom`:
            any ids from 1 on.
        classes: Classes of the model without `no object`; ids are below it. None: the authors'
            number, 91 or 250.
        max_objects: Objects, or segments, that a record may have; the arrays' length.
        canvas_size: Side of the canvas. Some pixels more than `max_size` leave room for the rule of
            rounding, by which a long picture passes `max_size` a little.
        eval_size: Shorter side in evaluation and serving.
        max_size: Longest side, after all resizing but the one before the crop.
        augmentation: Of the training view. `none`: as in evaluation. `flip_and_resize`: mirrored at
            random, shorter side one of `train_sizes`. `flip_resize_and_crop`: the paper's; half of
            the pictures are resized to one of `crop_resize_sizes` and cropped first.
        train_sizes: Shorter sides in training.
        crop_resize_sizes: Shorter sides before the crop.
        crop_min: Least side of the crop; at most any of `crop_resize_sizes`.
        crop_max: Largest side of the crop.
        max_rejected_share: The run fails when a larger share of the records cannot be used, [0, 1].
        max_rejected_objects_share: The same for single objects. Two of the official 860,001 boxes
            have no area.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    dataset: Dataset = "coco_instances"
    task: Task = "detection"
    subset: bool = False
    categories: Categories = "official"
    classes: int | None = None
    max_objects: int = 128
    canvas_size: int = 1344
    eval_size: int = 800
    max_size: int = 1333
    augmentation: Augmentation = "flip_resize_and_crop"
    train_sizes: tuple[int, ...] = (480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800)
    crop_resize_sizes: tuple[int, ...] = (400, 500, 600)
    crop_min: int = 384
    crop_max: int = 600
    max_rejected_share: float = 0.0
    max_rejected_objects_share: float = 0.001

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        for name, kind in (
            ("dataset", Dataset),
            ("task", Task),
            ("augmentation", Augmentation),
            ("categories", Categories),
        ):
            value = getattr(self, name)
            require_setting(value in get_args(kind), name, value, " or ".join(get_args(kind)))
        for name in ("train_sizes", "crop_resize_sizes"):
            # JSON knows lists alone.
            object.__setattr__(self, name, tuple(getattr(self, name)))
            value = getattr(self, name)
            require_setting(
                bool(value) and min(value) >= 1, name, value, "one or more lengths of 1 or more"
            )
        for name in ("max_objects", "eval_size", "max_size", "crop_min"):
            require_setting(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        for name in ("max_rejected_share", "max_rejected_objects_share"):
            share = getattr(self, name)
            require_setting(0.0 <= share <= 1.0, name, share, "a share from 0 to 1")
        self._refuse_classes()
        self._refuse_sizes()

    @property
    def num_classes(self) -> int:
        """Classes of the model without `no object`; category ids are below it."""
        return OFFICIAL_CLASSES[self.dataset] if self.classes is None else self.classes

    @property
    def has_masks(self) -> bool:
        """Whether Transform gives masks."""
        return self.task == "panoptic"

    @property
    def shorter_sides(self) -> tuple[int, ...]:
        """All lengths that the shorter side of a whole picture gets."""
        trained = () if self.augmentation == "none" else self.train_sizes
        return tuple(sorted({self.eval_size, *trained}))

    def fits(self, height: int, width: int) -> bool:
        """Whether a picture fits onto the canvas in every view, and keeps a pixel each way."""
        sizes = [resized_size(height, width, size, self.max_size) for size in self.shorter_sides]
        return all(min(size) >= 1 and max(size) <= self.canvas_size for size in sizes)

    def _refuse_classes(self) -> None:
        official = OFFICIAL_CLASSES[self.dataset]
        if self.categories == "official":
            require_setting(
                self.num_classes == official,
                "classes",
                self.classes,
                f"{official}, or data.categories=custom",
            )
        require_setting(self.num_classes >= 2, "classes", self.classes, "2 or more")

    def _refuse_sizes(self) -> None:
        # A square picture, which no rounding makes larger.
        largest = min(self.max_size, max(self.shorter_sides))
        if self.augmentation == "flip_resize_and_crop":
            shortest = min(self.crop_resize_sizes)
            require_setting(
                self.crop_min <= shortest,
                "crop_min",
                self.crop_min,
                f"at most {shortest}, the least of data.crop_resize_sizes",
            )
            require_setting(
                self.crop_max >= self.crop_min,
                "crop_max",
                self.crop_max,
                f"at least data.crop_min, {self.crop_min}",
            )
            crops = (self.crop_min, self.crop_max)
            largest = max(largest, largest_crop_view(*crops, max(self.train_sizes), self.max_size))
        require_setting(
            self.canvas_size >= largest,
            "canvas_size",
            self.canvas_size,
            f"at least {largest}, the longest side of a training view",
        )


def config_of(settings: Mapping[str, Any]) -> CocoDataConfig:
    """Reads what ExampleGen and Transform are given.

    Raises:
        ConfigError: A field is unknown or out of range.
    """
    try:
        return CocoDataConfig(**settings)
    except TypeError as error:
        raise ConfigError("unknown setting of the data section", found=error) from error
