"""The section `experiment` of SIREN's configuration: what is done with the signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.errors import ConfigError
from components.example_gens.signal_config import SignalTask

Prior = Literal["none", "tv", "fh"]

# Tasks whose network is fitted through its derivatives: values are known up to scale and offset.
POISSON_TASKS: frozenset[str] = frozenset(
    {"poisson_gradient", "poisson_laplacian", "poisson_editing"}
)
TASKS_WITH_PRIORS: frozenset[str] = frozenset({"image", "inpainting"})


@dataclass(frozen=True)
class SirenExperiment:
    """What is fitted, and how a step's points are chosen.

    Attributes:
        task: What the network is to represent.
        prior: `tv` (total variation) or `fh` (Frobenius norm of the Hessian) of the image at as
            many random points as half a step's pixels, for `image` and `inpainting`.
        prior_weight: Factor of the prior (k1 in the authors' code).
        sample_fraction: Share of the samples that a step draws, with replacement, (0, 1]; 1 takes
            all of them in order. The paper's videos take 38e-4.
        audio_extent: Half the length of the time axis. The notebook takes 1 with first_omega 3000.
        points_at_once: Points that are computed together; a step's other points follow one part
            after the other. None is what suits the device: 4096 on a CPU, whose cache then holds
            their activations, and all of them on an accelerator.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    task: SignalTask = "image"
    prior: Prior = "none"
    prior_weight: float = 1.0
    sample_fraction: float = 1.0
    audio_extent: float = 100.0
    points_at_once: int | None = None

    def __post_init__(self) -> None:
        """Refuses values out of range and combinations without a meaning.

        Raises:
            ConfigError: A value or a combination cannot be used.
        """
        if not 0.0 < self.sample_fraction <= 1.0:
            raise ConfigError(
                "experiment.sample_fraction is out of range",
                found=self.sample_fraction,
                expected="a share above 0 and at most 1",
            )
        if self.audio_extent <= 0.0:
            raise ConfigError(
                "experiment.audio_extent must be positive", found=self.audio_extent, expected="> 0"
            )
        if self.points_at_once is not None and self.points_at_once < 1:
            raise ConfigError(
                "experiment.points_at_once must be positive",
                found=self.points_at_once,
                expected="1 or more, or null",
            )
        if self.prior_weight < 0.0:
            raise ConfigError(
                "experiment.prior_weight cannot be negative",
                found=self.prior_weight,
                expected=">= 0",
            )
        if self.prior != "none" and self.task not in TASKS_WITH_PRIORS:
            raise ConfigError(
                f"the task {self.task} has no prior",
                found=f"experiment.prior={self.prior}",
                expected="none, or one of the tasks " + ", ".join(sorted(TASKS_WITH_PRIORS)),
                fix="--set experiment.prior=none",
            )

    @property
    def coordinate_axes(self) -> int:
        """Coordinates of a point: (time), (row, column) or (frame, row, column)."""
        return {"audio": 1, "video": 3}.get(self.task, 2)
