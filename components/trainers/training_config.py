"""The settings of the shared training loop; the same for every paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.errors import ConfigError


@dataclass(frozen=True)
class TrainingConfig:
    """How to train, whatever the model.

    Attributes:
        steps: Updates to make in all; None takes as many as `epochs` need.
        epochs: Passes over the training records, where `steps` is None.
        learning_rate: The optimizer's (initial) learning rate.
        seed: The run's seed; with the step it determines every random number.
        clip_norm: Largest global norm of the gradients; None leaves them as they are.
        accumulation_steps: Equal parts that a batch is cut into; their gradients are added.
        precision: Keras' global dtype policy. bfloat16 pays on CPUs with AVX512-BF16 and on TPUs.
        jit_compile: XLA. Slower than TensorFlow's own kernels on a CPU; meant for GPU and TPU.
        strategy: `auto` takes every local accelerator, else one CPU device.
        checkpoint_every_steps: Steps between checkpoints.
        keep_checkpoints: Newest checkpoints kept; at least 2, so that a damaged one can be passed
            over.
        summary_every_steps: Steps between points of the curves.
        threads: Threads inside an operation; 0 takes every core. It changes the last bits of sums,
            so it is pinned for a run and recorded with it.

    Raises:
        ConfigError: A number is out of its range.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    steps: int | None = 1000
    epochs: float | None = None
    learning_rate: float = 1e-4
    seed: int = 0
    clip_norm: float | None = None
    accumulation_steps: int = 1
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    jit_compile: bool = False
    strategy: Literal["auto", "one_device", "mirrored", "multi_worker", "tpu"] = "auto"
    checkpoint_every_steps: int = 100
    keep_checkpoints: int = 2
    summary_every_steps: int = 25
    threads: int = 0

    def __post_init__(self) -> None:
        at_least = {
            "steps": 0,
            "seed": 0,
            "threads": 0,
            "accumulation_steps": 1,
            "checkpoint_every_steps": 1,
            "summary_every_steps": 1,
            "keep_checkpoints": 2,
        }
        for name, smallest in at_least.items():
            value = getattr(self, name)
            if value is not None and value < smallest:
                raise ConfigError(
                    f"training.{name} is too small",
                    found=value,
                    expected=f"an integer >= {smallest}",
                )
        if self.steps is None and self.epochs is None:
            raise ConfigError(
                "training has no end",
                found="neither training.steps nor training.epochs",
                expected="one of the two",
            )
        for name in ("learning_rate", "clip_norm", "epochs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"training.{name} is not positive", found=value, expected="> 0")

    def total_steps(self, steps_per_epoch: int | None) -> int:
        """Updates to make in all.

        Args:
            steps_per_epoch: Updates that one pass over the records takes; None for a task without
                passes.

        Raises:
            ConfigError: The length is given in epochs, and the task has none.
        """
        if self.steps is not None:
            return self.steps
        if steps_per_epoch is None or self.epochs is None:
            raise ConfigError(
                "this paper does not train in epochs",
                found=f"training.epochs={self.epochs}",
                fix="--set training.steps=NUMBER",
            )
        return max(1, round(self.epochs * steps_per_epoch))
