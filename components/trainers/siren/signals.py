"""The signal that a network is fitted to, as Transform gives it, and what supervises the fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.targets import editing_target, gradient_target, laplacian_target
from components.transforms.siren import MASK, RATE, SECOND, VALUES

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Signal:
    """One picture, film or sound.

    Attributes:
        values: `[frames, height, width, channels]` in [-1, 1] in the order of the frames, one for a
            picture; `[samples]` for a sound.
        second: Poisson editing: the other picture, like `values`.
        mask: Inpainting: `[1, height, width, 1]`, 1 where the pixel is known.
        rate: Sound: samples a second.
        is_film: Time is a coordinate, even of a single frame.
    """

    values: Floats
    second: Floats | None = None
    mask: Floats | None = None
    rate: int | None = None
    is_film: bool = False

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """(samples) of a sound, (height, width) of a picture, (frames, height, width) of a film."""
        if self.values.ndim == 1 or self.is_film:
            return self.values.shape[:3]
        return self.values.shape[1:3]

    @property
    def channels(self) -> int:
        """Values a sample."""
        return 1 if self.values.ndim == 1 else int(self.values.shape[-1])


def signal_from_features(
    experiment: SirenExperiment, features: Mapping[str, NDArray[np.generic]]
) -> Signal:
    """Takes Transform's outputs of one signal and checks that they suit the task.

    Args:
        experiment: Which task it is.
        features: `signal/values`, and what else the task has (see `components.transforms.siren`).

    Returns:
        The signal.

    Raises:
        DataError: An output is missing, or of the wrong shape, or not finite.
    """
    task = experiment.task
    values = _floats(features, VALUES)
    is_sound = task == "audio"
    if values.ndim != (1 if is_sound else 4) or values.size == 0:
        expected = "[samples]" if is_sound else "[frames, height, width, channels]"
        raise DataError(
            f"{VALUES} does not suit the task {task}",
            found=f"shape {values.shape}",
            expected=f"{expected}, not empty",
        )
    if not is_sound and task != "video" and len(values) != 1:
        raise DataError(
            f"the task {task} fits one picture",
            found=f"{len(values)} pictures",
            expected="1",
            fix="point --data-root at a single file, or choose --set task=video",
        )
    second = _floats(features, SECOND) if task == "poisson_editing" else None
    mask = _floats(features, MASK) if task == "inpainting" else None
    if second is not None and second.shape != values.shape:
        raise DataError(
            f"{SECOND} differs in shape", found=second.shape, expected=str(values.shape)
        )
    if mask is not None and mask.shape != (*values.shape[:-1], 1):
        raise DataError(
            f"{MASK} differs in shape", found=mask.shape, expected=str((*values.shape[:-1], 1))
        )
    rate = int(np.ravel(features[RATE])[0]) if is_sound and RATE in features else None
    return Signal(values, second, mask, rate, is_film=task == "video")


def supervision(experiment: SirenExperiment, signal: Signal) -> Floats:
    """What the network, or its derivatives, are compared with.

    Args:
        experiment: Which task it is.
        signal: The signal.

    Returns:
        `[samples, components]`, samples in the order of `coordinates.grid`.
    """
    picture = signal.values[0]
    if experiment.task == "poisson_gradient":
        return gradient_target(picture)
    if experiment.task == "poisson_laplacian":
        return laplacian_target(picture)
    if experiment.task == "poisson_editing" and signal.second is not None:
        return editing_target(picture, signal.second[0])
    return signal.values.reshape(-1, signal.channels)


def reference(signal: Signal) -> Floats:
    """What a reconstruction is scored against.

    Args:
        signal: The signal; of an editing task the mean of both pictures, whose gradients are the
            supervision.

    Returns:
        `[samples, channels]`, in [-1, 1].
    """
    values = signal.values
    if signal.second is not None:
        values = np.float32(0.5) * (values + signal.second)
    return values.reshape(-1, signal.channels)


def _floats(features: Mapping[str, NDArray[np.generic]], name: str) -> Floats:
    if name not in features:
        raise DataError(
            f"Transform's output {name} is missing",
            found=", ".join(sorted(features)),
            expected=name,
        )
    array = np.asarray(features[name], np.float32)
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds values that are not finite", expected="numbers in [-1, 1]")
    return array
