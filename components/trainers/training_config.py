"""The settings of the shared training loop; the same for every paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TrainingConfig:
    """How to train, whatever the model.

    Attributes:
        steps: Updates to make in all.
        learning_rate: The optimizer's (initial) learning rate.
        seed: The run's seed; with the step it determines every random number.
        clip_norm: Largest global norm of the gradients; None leaves them as they are.
        accumulation_steps: Equal parts that a batch is cut into; their gradients are added.
        precision: Keras' global dtype policy. bfloat16 pays on CPUs with AVX512-BF16 and on TPUs.
        jit_compile: XLA. Slower than TensorFlow's own kernels on a CPU; meant for GPU and TPU.
        strategy: `auto` takes every local accelerator, else one CPU device.
        checkpoint_every_steps: Steps between checkpoints.
        keep_checkpoints: Newest checkpoints kept; at least 2, so that a damaged one can be passed over.
        summary_every_steps: Steps between points of the curves.
        threads: Threads inside an operation; 0 takes every core. It changes the last bits of sums, so
            it is pinned for a run and recorded with it.
    """

    __pydantic_config__ = {"extra": "forbid"}

    steps: int = 1000
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
