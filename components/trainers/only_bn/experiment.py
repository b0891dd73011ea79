"""The section `experiment` of Only-BN's configuration: the recipe; free of TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from components.errors import ConfigError


@dataclass(frozen=True)
class OnlyBatchNormExperiment:
    """How the network is trained. The defaults are the paper's for CIFAR-10.

    The rate itself is `training.learning_rate`: 0.1 for CIFAR-10, 0.4 for ImageNet.

    Attributes:
        batch_size: Images a step; the last batch of an epoch holds what is left. ImageNet: 1024.
        milestone_epochs: Epochs at whose start the rate falls. ImageNet: 30, 60, 80.
        milestone_factor: What the rate is multiplied by at each.
        warmup_epochs: Epochs over which the rate rises from 0. ImageNet: 5.
        momentum: SGD's, not Nesterov's.
        weight_decay: L2 on every trained variable, so on gamma and beta too.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    batch_size: int = 128
    milestone_epochs: tuple[int, ...] = (80, 120)
    milestone_factor: float = 0.1
    warmup_epochs: int = 0
    momentum: float = 0.9
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        """Refuses values out of range.

        Raises:
            ConfigError: A value cannot be used.
        """
        at_least = {"batch_size": 1, "warmup_epochs": 0, "weight_decay": 0.0, "momentum": 0.0}
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
        milestones = list(self.milestone_epochs)
        if milestones != sorted(set(milestones)) or any(epoch < 1 for epoch in milestones):
            raise ConfigError(
                "experiment.milestone_epochs do not rise",
                found=milestones,
                expected="different epochs from 1 on, in order",
            )

    def steps_per_epoch(self, num_examples: int) -> int:
        """Updates an epoch, the last and smaller batch included."""
        return -(-num_examples // self.batch_size)
