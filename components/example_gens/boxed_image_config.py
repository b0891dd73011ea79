"""The `data` section of a paper on pictures with one boxed object each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

from components.errors import ConfigError
from components.example_gens.data_settings import require_setting

Dataset = Literal["cub", "stanford_cars", "stanford_dogs"]
TrainingImages = Literal["all", "train"]


class OfficialNumbers(NamedTuple):
    """What a data set holds, and how FineGAN uses it.

    Attributes:
        classes: Fine classes of the data set, and of the paper's child codes.
        train_images: Images of the official training split.
        test_images: Images of the official test split.
        super_classes: The paper's number of parent codes.
        training_images: What the paper trains on. CUB: all (authors' `datasets.py` reads no split).
            The others: the training splits, whose sizes the paper gives.
    """

    classes: int
    train_images: int
    test_images: int
    super_classes: int
    training_images: TrainingImages

    @property
    def num_training_images(self) -> int:
        """Images that the paper trains on."""
        return self.train_images + (self.test_images if self.training_images == "all" else 0)


OFFICIAL: dict[str, OfficialNumbers] = {
    "cub": OfficialNumbers(200, 5_994, 5_794, 20, "all"),
    "stanford_cars": OfficialNumbers(196, 8_144, 8_041, 20, "train"),
    "stanford_dogs": OfficialNumbers(120, 12_000, 8_580, 12, "train"),
}


def official_records(dataset: str) -> dict[str, int]:
    """Split -> records of the whole data set, in its official splits."""
    numbers = OFFICIAL[dataset]
    return {"train": numbers.train_images, "eval": numbers.test_images}


@dataclass(frozen=True)
class BoxedImageDataConfig:
    """Which pictures are read, and how large the network's input is.

    Attributes:
        dataset: Which data set, in its official layout.
        subset: Accept fewer classes and images than the official numbers; whatever is listed must
            still be whole.
        training_images: `all`: the split `train` holds the official test images too, as the paper
            trains on all of CUB. `train`: the official training images alone. The split `eval`
            holds the official test images either way. None: the paper's choice.
        image_size: Side of the generated pictures, pixels; 4 * 2^n.
        super_classes: Parent codes, at most as many as `fine_classes`. None: the paper's number.
        fine_classes: Child codes; the data must hold at least as many classes. None: the data set's
            official number.
        max_rejected_share: The run fails when a larger share of the records cannot be used, [0, 1].
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    dataset: Dataset = "cub"
    subset: bool = False
    training_images: TrainingImages | None = None
    image_size: int = 128
    super_classes: int | None = None
    fine_classes: int | None = None
    max_rejected_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        datasets, choices = get_args(Dataset), get_args(TrainingImages)
        require_setting(self.dataset in datasets, "dataset", self.dataset, " or ".join(datasets))
        require_setting(
            self.training_images in (None, *choices),
            "training_images",
            self.training_images,
            " or ".join(choices),
        )
        steps, rest = divmod(self.image_size, 4)
        require_setting(
            rest == 0 and steps >= 2 and steps & (steps - 1) == 0,
            "image_size",
            self.image_size,
            "4 * 2^n pixels: 8, 16, 32, 64, 128, …",
        )
        require_setting(self.num_fine_classes >= 1, "fine_classes", self.fine_classes, "1 or more")
        require_setting(
            1 <= self.num_super_classes <= self.num_fine_classes,
            "super_classes",
            self.num_super_classes,
            f"from 1 to data.fine_classes, {self.num_fine_classes}",
        )
        require_setting(
            0.0 <= self.max_rejected_share <= 1.0,
            "max_rejected_share",
            self.max_rejected_share,
            "a share from 0 to 1",
        )

    @property
    def num_super_classes(self) -> int:
        """Parent codes."""
        given = self.super_classes
        return OFFICIAL[self.dataset].super_classes if given is None else given

    @property
    def num_fine_classes(self) -> int:
        """Child codes."""
        given = self.fine_classes
        return OFFICIAL[self.dataset].classes if given is None else given

    @property
    def trains_on_all(self) -> bool:
        """Whether the split `train` holds the official test images too."""
        return (self.training_images or OFFICIAL[self.dataset].training_images) == "all"


def config_of(settings: Mapping[str, Any]) -> BoxedImageDataConfig:
    """Reads what ExampleGen and Transform are given.

    Raises:
        ConfigError: A field is unknown or out of range.
    """
    try:
        return BoxedImageDataConfig(**settings)
    except TypeError as error:
        raise ConfigError("unknown setting of the data section", found=error) from error
