"""Small signals of every task, as Transform gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.task import SirenTask
from components.trainers.training_config import TrainingConfig

HEIGHT, WIDTH, FRAMES, SAMPLES = 8, 5, 3, 40

TASKS = (
    "image",
    "inpainting",
    "audio",
    "poisson_gradient",
    "poisson_laplacian",
    "poisson_editing",
    "video",
)


def features(task: str, channels: int = 1) -> dict[str, np.ndarray]:
    """Transform's outputs of one signal."""
    if task == "audio":
        samples = np.sin(np.linspace(0, 9, SAMPLES)).astype(np.float32)
        return {"signal/values": samples, "signal/rate": np.array([[8000]])}
    frames = FRAMES if task == "video" else 1
    generator = np.random.default_rng(0)
    shape = (frames, HEIGHT, WIDTH, channels)
    found = {"signal/values": generator.uniform(-1, 1, shape).astype(np.float32)}
    found["signal/frame"] = np.stack([np.arange(frames), np.full(frames, frames)], axis=1)
    if task == "poisson_editing":
        found["signal/second"] = generator.uniform(-1, 1, shape).astype(np.float32)
    if task == "inpainting":
        found["signal/mask"] = (generator.uniform(size=(1, HEIGHT, WIDTH, 1)) < 0.5).astype("f")
    return found


def make_task(
    task: str = "image",
    *,
    channels: int = 1,
    training: dict[str, Any] | None = None,
    transform_fn: Any = None,
    **experiment: Any,
) -> SirenTask:
    """A task with a network of 12 features."""
    section = SirenExperiment(task=task, **experiment)  # type: ignore[arg-type]
    network = NetworkConfig(
        in_features=section.coordinate_axes,
        out_features=1 if task == "audio" else channels,
        hidden_features=12,
        hidden_layers=1,
    )
    return SirenTask(
        section,
        network,
        TrainingConfig(**{"learning_rate": 1e-3, **(training or {})}),
        features(task, channels),
        transform_fn,
    )
