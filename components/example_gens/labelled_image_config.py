"""The `data` section of a classification paper: which data set, what size, what augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from components.errors import ConfigError
from components.example_gens.data_settings import require_setting

Dataset = Literal["cifar10", "tiny_imagenet", "imagenet"]
Augmentation = Literal["none", "translate", "flip_and_translate", "random_resized_crop"]

NUM_CLASSES: dict[str, int] = {"cifar10": 10, "tiny_imagenet": 200, "imagenet": 1000}
# Sides of the pictures, pixels, where the data set has one size alone.
NATIVE_SIDES: dict[str, int] = {"cifar10": 32, "tiny_imagenet": 64}


@dataclass(frozen=True)
class LabelledImageDataConfig:
    """How labelled pictures become the network's input.

    Attributes:
        dataset: Which data set, in its official layout.
        subset: Accept fewer files, classes and records than the official numbers; whatever is there
            must still be whole.
        image_size: Side of the network's input, pixels.
        resize_shorter_side: Evaluation resizes the shorter side to this many pixels and then crops
            the centre (256 for ImageNet). None: to `image_size`.
        augmentation: What training does to a picture. `flip_and_translate`: mirrored at random,
            zero-padded and cropped at random; `translate`: the same without mirroring.
            `random_resized_crop`: torchvision's, then mirrored at random.
        padding: Pixels of zeros on each side, for `flip_and_translate` and `translate`.
        crop_min_scale: Least share of the area that `random_resized_crop` keeps, (0, 1].
        crop_max_ratio: Its largest ratio of width to height; the least is the inverse. At least 1.
        max_rejected_share: The run fails when a larger share of the records cannot be used, [0, 1].
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    dataset: Dataset = "cifar10"
    subset: bool = False
    image_size: int = 32
    resize_shorter_side: int | None = None
    augmentation: Augmentation = "flip_and_translate"
    padding: int = 4
    crop_min_scale: float = 0.1
    crop_max_ratio: float = 1.25
    max_rejected_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        for name, kind in (("dataset", Dataset), ("augmentation", Augmentation)):
            value = getattr(self, name)
            require_setting(value in get_args(kind), name, value, " or ".join(get_args(kind)))
        require_setting(self.image_size >= 8, "image_size", self.image_size, "8 or more pixels")
        require_setting(self.padding >= 0, "padding", self.padding, "0 or more pixels")
        require_setting(
            self.shorter_side >= self.image_size,
            "resize_shorter_side",
            self.resize_shorter_side,
            f"at least image_size, {self.image_size}",
        )
        require_setting(
            0.0 < self.crop_min_scale <= 1.0,
            "crop_min_scale",
            self.crop_min_scale,
            "a share above 0 and at most 1",
        )
        require_setting(
            self.crop_max_ratio >= 1.0, "crop_max_ratio", self.crop_max_ratio, "at least 1"
        )
        require_setting(
            0.0 <= self.max_rejected_share <= 1.0,
            "max_rejected_share",
            self.max_rejected_share,
            "a share from 0 to 1",
        )

    @property
    def num_classes(self) -> int:
        """Classes of the data set."""
        return NUM_CLASSES[self.dataset]

    @property
    def shorter_side(self) -> int:
        """The shorter side before the centre crop, pixels."""
        return self.resize_shorter_side or self.image_size


def config_of(settings: Mapping[str, Any]) -> LabelledImageDataConfig:
    """Reads what ExampleGen and Transform are given.

    Raises:
        ConfigError: A field is unknown or out of range.
    """
    try:
        return LabelledImageDataConfig(**settings)
    except TypeError as error:
        raise ConfigError("unknown setting of the data section", found=error) from error
