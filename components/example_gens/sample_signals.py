"""What SIREN's `sample` runs fit: real photographs that scikit-learn ships, and a melody."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Protocol

import numpy as np

from components.errors import StackError
from components.example_gens.signal_config import SignalTask

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
    def task(self) -> SignalTask:
        """What is done with the signal."""


def sample_photograph() -> Path:
    """A colour photograph of 427 x 640 pixels that scikit-learn ships beside a second one.

    Raises:
        StackError: If it is not installed.
    """
    # Found without importing scikit-learn, which takes seconds.
    spec = importlib.util.find_spec("sklearn")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "datasets" / "images" / "china.jpg"
        if path.is_file():
            return path
    raise StackError(
        "the sample photograph is not installed",
        found="scikit-learn is missing" if spec is None else "scikit-learn without its images",
        expected="sklearn/datasets/images/china.jpg",
        fix="pip install 'papergarden[pipelines]', or pass a picture of yours with --data-root",
    )


def sample_signal(config: HasExperiment, directory: Path) -> Path:
    """A signal for the configured task; what has to be made is written below `directory`.

    Args:
        config: The SIREN configuration.
        directory: Where made signals are kept; the same bytes every time.

    Returns:
        The data root for the task.
    """
    task = config.experiment.task
    if task in ("audio", "video"):
        (directory / task).mkdir(parents=True, exist_ok=True)
        return _melody(directory / task) if task == "audio" else _pan(directory / task)
    photograph = sample_photograph()
    # The folder holds exactly two photographs, which is what editing composes.
    return photograph.parent if task == "poisson_editing" else photograph


def _melody(directory: Path) -> Path:
    """Two seconds of four decaying notes with overtones, 16-bit mono."""
    from scipy.io import wavfile

    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    notes = []
    for frequency in (261.63, 329.63, 392.00, 523.25):
        tone = sum(np.sin(2 * np.pi * frequency * k * time) / k**2 for k in (1, 2, 3))
        notes.append(tone * np.exp(-3.0 * time) * np.minimum(1.0, time * 200.0))
    samples = np.concatenate(notes)
    path = directory / "melody.wav"
    wavfile.write(
        path, SAMPLE_RATE, np.round(samples / np.abs(samples).max() * 32000).astype("<i2")
    )
    return path


def _pan(directory: Path) -> Path:
    """A camera that pans over the photograph, a frame a PNG."""
    from PIL import Image

    with Image.open(sample_photograph()) as photograph:
        side = photograph.height
        for frame in range(VIDEO_FRAMES):
            left = frame * (photograph.width - side) // (VIDEO_FRAMES - 1)
            crop = photograph.crop((left, 0, left + side, side)).resize((128, 128))
            crop.save(directory / f"frame_{frame:03d}.png")
    return directory
