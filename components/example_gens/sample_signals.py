"""What SIREN's `sample` runs fit: real photographs that scikit-learn ships, and a melody."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

import numpy as np

from components.example_gens.sample_photograph import sample_photograph

PHOTOGRAPH = "china.jpg"
SECOND_PHOTOGRAPH = "flower.jpg"
SAMPLE_RATE = 8000
VIDEO_FRAMES = 8


class HasExperiment(Protocol):
    """A configuration that names a task."""

    @property
    def experiment(self) -> HasTask:
        """The section that names it."""


class HasTask(Protocol):
    """The section that names a task."""

    @property
    def task(self) -> str:
        """A value of `SignalTask`."""


def sample_signal(config: HasExperiment, directory: Path) -> Path:
    """A signal for the configured task; what has to be made is written below `directory`.

    Args:
        config: The SIREN configuration.
        directory: Where made signals are kept; the same bytes every time.

    Returns:
        The data root for the task.
    """
    makers = {"audio": _melody, "poisson_editing": _two_photographs, "video": _pan}
    maker = makers.get(config.experiment.task)
    if maker is None:
        return sample_photograph()
    directory.mkdir(parents=True, exist_ok=True)
    return maker(directory / config.experiment.task)


def _melody(directory: Path) -> Path:
    """Two seconds of four decaying notes with overtones, 16-bit mono."""
    from scipy.io import wavfile

    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    notes = []
    for frequency in (261.63, 329.63, 392.00, 523.25):
        tone = sum(np.sin(2 * np.pi * frequency * k * time) / k**2 for k in (1, 2, 3))
        notes.append(tone * np.exp(-3.0 * time) * np.minimum(1.0, time * 200.0))
    samples = np.concatenate(notes)
    directory.mkdir(exist_ok=True)
    path = directory / "melody.wav"
    wavfile.write(
        path, SAMPLE_RATE, np.round(samples / np.abs(samples).max() * 32000).astype("<i2")
    )
    return path


def _two_photographs(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    for name in (PHOTOGRAPH, SECOND_PHOTOGRAPH):
        shutil.copyfile(sample_photograph(name), directory / name)
    return directory


def _pan(directory: Path) -> Path:
    """A camera that pans over the photograph, a frame a PNG."""
    from PIL import Image

    directory.mkdir(exist_ok=True)
    with Image.open(sample_photograph()) as photograph:
        side = photograph.height
        for frame in range(VIDEO_FRAMES):
            left = frame * (photograph.width - side) // (VIDEO_FRAMES - 1)
            crop = photograph.crop((left, 0, left + side, side)).resize((128, 128))
            crop.save(directory / f"frame_{frame:03d}.png")
    return directory
