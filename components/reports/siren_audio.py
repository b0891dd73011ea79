"""SIREN's part of a report on a sound: waveforms, a stretch of them overlaid, and the sound."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.reports.content import PictureRow, Section, Sound
from components.reports.figures import overlay, waveform_png, waveforms
from components.reports.siren_signals import FittedSignal

Samples = NDArray[np.floating[Any]]

_OVERLAID_SECONDS = 0.02
_LONGEST_SECONDS = 10.0


def audio_section(signals: Sequence[FittedSignal]) -> Section:
    """Returns the section of one or several sounds."""
    rows: list[PictureRow] = []
    sounds: list[Sound] = []
    for signal in signals:
        target, prediction = _samples(signal)
        panels = {
            "Target": target,
            "Reconstruction": prediction,
            "Error": prediction - target,
        }
        label = signal.name if len(signals) > 1 else ""
        rows.append(PictureRow((waveforms(panels, signal.rate),), label))
        first, last = loudest_stretch(target, round(_OVERLAID_SECONDS * signal.rate))
        stretch = {"target": target[first:last], "reconstruction": prediction[first:last]}
        rows.append(PictureRow((overlay(stretch, signal.rate, first),)))
        sounds += [
            Sound(wav_bytes(_beginning(target, signal.rate), signal.rate), "target"),
            Sound(wav_bytes(_beginning(prediction, signal.rate), signal.rate), "reconstruction"),
        ]
    text = "The network is given the time alone and was fitted to give the sample's value."
    return Section("Reconstruction", text, tuple(rows), tuple(sounds))


def audio_files(signal: FittedSignal) -> dict[str, bytes]:
    """Returns the sound as wav files, and its waveforms as PNG pictures."""
    target, prediction = _samples(signal)
    return {
        "target.wav": wav_bytes(target, signal.rate),
        "reconstruction.wav": wav_bytes(prediction, signal.rate),
        "target.png": waveform_png(target, signal.rate),
        "reconstruction.png": waveform_png(prediction, signal.rate),
        "error.png": waveform_png(prediction - target, signal.rate),
    }


def loudest_stretch(samples: Samples, length: int) -> tuple[int, int]:
    """Returns first and last (exclusive) of `length` samples around the loudest one."""
    length = min(max(2, length), len(samples))
    first = int(np.argmax(np.abs(samples))) - length // 2
    first = min(max(0, first), len(samples) - length)
    return first, first + length


def wav_bytes(samples: Samples, rate: int) -> bytes:
    """Returns samples in [-1, 1] as a mono wav file of 16-bit integers; overshoot is clipped."""
    levels = np.rint(np.nan_to_num(np.clip(samples, -1, 1)) * 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(levels.tobytes())
    return buffer.getvalue()


def _samples(signal: FittedSignal) -> tuple[Samples, Samples]:
    return signal.target.reshape(-1), signal.prediction.reshape(-1)


def _beginning(samples: Samples, rate: int) -> Samples:
    return samples[: round(_LONGEST_SECONDS * rate)]
