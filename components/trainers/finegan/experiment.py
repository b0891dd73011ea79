"""The section `experiment` of FineGAN's configuration: the recipe; free of TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from components.errors import ConfigError


@dataclass(frozen=True)
class FineGanExperiment:
    """How the networks are trained. The defaults are the authors' for CUB-200-2011.

    The rate itself is `training.learning_rate`: 2e-4.

    Attributes:
        batch_size: Images a step; the records left over at the end of an epoch are not used.
        background_weight: Factor of the background's real/fake losses (BG_LOSS_WT); not of its
            background/foreground classification.
        average_decay: Of the running average of the generator's parameters.
        beta_1: Adam's.
        beta_2: Adam's.
        hard_negative_steps: Updates at the end of training that start from the averaged generator
            and of which every second one trains on codes that the child discriminator recognises
            worst. The authors name 1500, but their loop ends after one epoch of CUB: 736.
        candidate_batches: Batches of candidates of which a hard batch is chosen.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    batch_size: int = 16
    background_weight: float = 10.0
    average_decay: float = 0.999
    beta_1: float = 0.5
    beta_2: float = 0.999
    hard_negative_steps: int = 736
    candidate_batches: int = 10

    def __post_init__(self) -> None:
        """Refuses values out of range.

        Raises:
            ConfigError: A value cannot be used.
        """
        # BatchNorm of a single vector has no variance.
        at_least = {"batch_size": 2, "hard_negative_steps": 0, "candidate_batches": 1}
        for name, smallest in at_least.items():
            if getattr(self, name) < smallest:
                raise ConfigError(
                    f"experiment.{name} is too small",
                    found=getattr(self, name),
                    expected=f"{smallest} or more",
                )
        for name in ("average_decay", "beta_1", "beta_2"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ConfigError(
                    f"experiment.{name} is out of range",
                    found=getattr(self, name),
                    expected="0 or more, below 1",
                )
        if self.background_weight < 0.0:
            raise ConfigError(
                "experiment.background_weight cannot be negative",
                found=self.background_weight,
                expected="0 or more",
            )
