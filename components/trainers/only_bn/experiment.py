"""The section `experiment` of Only-BN's configuration: the recipe; free of TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from components.errors import ConfigError

# Pixels, as for `data.image_size`.
SMALLEST_SIDE = 8


@dataclass(frozen=True)
class OnlyBatchNormExperiment:
    """How the network is trained. The defaults are the paper's for CIFAR-10.

    The rate itself is `training.learning_rate`: 0.1 for CIFAR-10, 0.4 for ImageNet.

    Attributes:
        batch_size: Images a step; the last batch of an epoch holds what is left. ImageNet: 1024.
        schedule: `steps`, the paper's, of milestones and warm-up; or `cyclic` (Smith,
            arXiv 1506.01186), which rises and falls between `cycle_base_factor *
            training.learning_rate` and `training.learning_rate`, and uses neither.
        milestone_epochs: Epochs at whose start the rate falls. ImageNet: 30, 60, 80.
        milestone_factor: What the rate is multiplied by at each.
        warmup_epochs: Epochs over which the rate rises from 0. ImageNet: 5.
        cycle_epochs: Epochs of a whole cycle, up and down: Smith's step size is half of it. The
            last cycle should end with the run.
        cycle_base_factor: The lowest rate as a share of the highest.
        cycle_policy: `triangular`, or `triangular2`, of which each cycle rises half as far as the
            one before.
        image_sides: Sides of the training images in turn, rising, pixels (Howard's progressive
            resizing); the last is `data.image_size`. Empty: that size throughout.
        image_side_epochs: Epochs at whose start the second side begins, the third, and so on.
        momentum: SGD's, not Nesterov's.
        weight_decay: L2 on every trained variable, so on gamma and beta too.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    batch_size: int = 128
    schedule: Literal["steps", "cyclic"] = "steps"
    milestone_epochs: tuple[int, ...] = (80, 120)
    milestone_factor: float = 0.1
    warmup_epochs: int = 0
    cycle_epochs: int = 10
    cycle_base_factor: float = 0.1
    cycle_policy: Literal["triangular", "triangular2"] = "triangular"
    image_sides: tuple[int, ...] = ()
    image_side_epochs: tuple[int, ...] = ()
    momentum: float = 0.9
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        """Refuses values out of range.

        Raises:
            ConfigError: A value cannot be used.
        """
        at_least = {
            "batch_size": 1,
            "warmup_epochs": 0,
            "cycle_epochs": 2,
            "weight_decay": 0.0,
            "momentum": 0.0,
        }
        for name, smallest in at_least.items():
            if getattr(self, name) < smallest:
                raise ConfigError(
                    f"experiment.{name} is too small",
                    found=getattr(self, name),
                    expected=f">= {smallest}",
                )
        if not 0.0 < self.milestone_factor <= 1.0 or self.momentum >= 1.0:
            raise ConfigError(
                "experiment.milestone_factor or experiment.momentum is out of range",
                found=f"{self.milestone_factor}, {self.momentum}",
                expected="a factor above 0 and at most 1, a momentum below 1",
            )
        self._check_cycle()
        self._check_sides()
        for name in ("milestone_epochs", "image_side_epochs"):
            epochs = list(getattr(self, name))
            if not _rise(epochs, 1):
                raise ConfigError(
                    f"experiment.{name} do not rise",
                    found=epochs,
                    expected="different epochs from 1 on, in order",
                )

    def steps_per_epoch(self, num_examples: int) -> int:
        """Updates an epoch, the last and smaller batch included."""
        return -(-num_examples // self.batch_size)

    def image_side_steps(self, num_examples: int) -> tuple[int, ...]:
        """The first step of each of `image_sides`.

        Args:
            num_examples: Images of an epoch.
        """
        steps = self.steps_per_epoch(num_examples)
        return tuple(epoch * steps for epoch in (0, *self.image_side_epochs))

    def check_image_size(self, image_size: int) -> None:
        """Refuses sides that do not end with the network's own.

        Args:
            image_size: `data.image_size`, pixels: what evaluation and serving use.

        Raises:
            ConfigError: They end with another.
        """
        if self.image_sides and self.image_sides[-1] != image_size:
            raise ConfigError(
                "experiment.image_sides do not end with the size that the network is tested at",
                found=f"{self.image_sides[-1]} pixels",
                expected=f"{image_size} pixels (data.image_size)",
                fix="change the last side, or set image_sides and image_side_epochs to []",
            )

    def _check_cycle(self) -> None:
        if not 0.0 <= self.cycle_base_factor < 1.0:
            raise ConfigError(
                "experiment.cycle_base_factor is out of range",
                found=self.cycle_base_factor,
                expected="a share from 0 to below 1",
            )
        if self.schedule == "cyclic" and self.warmup_epochs:
            raise ConfigError(
                "experiment.warmup_epochs belongs to the schedule steps",
                found=f"{self.warmup_epochs} with the schedule cyclic",
                expected="0",
                fix="leave the warm-up out: a cycle begins at its lowest rate anyway",
            )

    def _check_sides(self) -> None:
        sides = list(self.image_sides)
        if not _rise(sides, SMALLEST_SIDE):
            raise ConfigError(
                "experiment.image_sides do not rise",
                found=sides,
                expected=f"different sides from {SMALLEST_SIDE} pixels on, in order",
            )
        if len(self.image_side_epochs) != max(len(sides) - 1, 0):
            raise ConfigError(
                "experiment.image_side_epochs do not fit experiment.image_sides",
                found=f"{len(self.image_side_epochs)} epochs for {len(sides)} sides",
                expected="one epoch for each side after the first",
            )


def _rise(numbers: list[int], smallest: int) -> bool:
    return all(number >= smallest for number in numbers) and all(
        earlier < later for earlier, later in pairwise(numbers)
    )
