"""Checks a wav file on its way in and averages its channels, as the authors do (dataio.py)."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.io import wavfile

from components.example_gens.file_kinds import describe_content
from components.example_gens.record_source import RecordError

MAX_SAMPLES = 2**24
WAV_SUFFIXES = (".wav", ".wave")

_FULL_SCALE = {"uint8": 128.0, "int16": 2.0**15, "int32": 2.0**31}


@dataclass(frozen=True)
class ReadSound:
    """A sound of at least two finite samples that are not all zero.

    Attributes:
        samples: `[n]` float32, mean of the channels; integers in [-1, 1), floats as in the file.
        rate: Samples a second.
        channels: Channels of the file.
        conversions: What was changed.
    """

    samples: np.ndarray
    rate: int
    channels: int
    conversions: tuple[str, ...]


def read_wav(path: str, encoded: bytes) -> ReadSound:
    """Checks a wav file: 8, 16, 24 or 32-bit integers, or 32 or 64-bit floats.

    Args:
        path: Names the file in errors.
        encoded: The bytes of the file.

    Raises:
        RecordError: It is not such a file, truncated, empty, silent, too long or not finite.
    """
    if encoded[:4] not in (b"RIFF", b"RIFX", b"RF64") or encoded[8:12] != b"WAVE":
        raise RecordError(
            "not_a_wav",
            f"{path} is not a wav file",
            found=describe_content(encoded),
            expected="a RIFF/WAVE file with integer or float samples",
            fix="convert it, for example: ffmpeg -i INPUT -c:a pcm_s16le OUTPUT.wav",
        )
    _refuse_truncated(path, encoded)
    rate, values = _decode(path, encoded)
    channels = 1 if values.ndim == 1 else values.shape[1]
    _refuse_unusable_length(path, values.shape[0], rate)
    samples = _mean_of_channels(values)
    _refuse_unusable_values(path, samples, channels)
    conversions = ("channels_averaged",) if channels > 1 else ()
    return ReadSound(samples, int(rate), channels, conversions)


def _decode(path: str, encoded: bytes) -> tuple[int, np.ndarray]:
    try:
        with warnings.catch_warnings():
            # Unknown chunks (cue points, player notes) are skipped; truncation is checked apart.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate, values = wavfile.read(io.BytesIO(encoded))
    except (ValueError, EOFError, struct.error, UnboundLocalError, ZeroDivisionError) as error:
        raise RecordError(
            "unsupported_wav",
            f"the samples of {path} cannot be read",
            found=error,
            expected="PCM of 8, 16, 24 or 32 bits, or IEEE float of 32 or 64 bits",
            fix="convert it, for example: ffmpeg -i INPUT -c:a pcm_s16le OUTPUT.wav",
        ) from error
    if values.dtype.kind != "f" and values.dtype.newbyteorder("=").name not in _FULL_SCALE:
        raise RecordError(
            "unsupported_wav",
            f"the samples of {path} have an unusual width",
            found=f"{values.dtype}",
            expected="8, 16, 24 or 32-bit integers, or floats",
            fix="convert it, for example: ffmpeg -i INPUT -c:a pcm_s16le OUTPUT.wav",
        )
    return rate, values


def _mean_of_channels(values: np.ndarray) -> np.ndarray:
    """`[n]` or `[n, channels]` of any wav type -> `[n]` float32."""
    scaled = values.astype(np.float64)
    if values.dtype.kind != "f":
        if values.dtype == np.uint8:
            scaled -= 128.0
        scaled /= _FULL_SCALE[values.dtype.newbyteorder("=").name]
    mean = scaled if scaled.ndim == 1 else scaled.mean(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        return mean.astype(np.float32)


def _refuse_truncated(path: str, encoded: bytes) -> None:
    """Compares the length that the data chunk declares with what is there."""
    order = ">" if encoded[:4] == b"RIFX" else "<"
    position = 12
    while position + 8 <= len(encoded):
        name = encoded[position : position + 4]
        (declared,) = struct.unpack_from(f"{order}I", encoded, position + 4)
        present = len(encoded) - position - 8
        if name == b"data" and encoded[:4] != b"RF64" and declared > present:
            raise RecordError(
                "truncated",
                f"the wav file {path} is truncated",
                found=f"{present} bytes of samples",
                expected=f"{declared} bytes, as its header says",
                fix="copy it again; if a pipe wrote it: ffmpeg -i INPUT -c copy OUTPUT.wav",
            )
        if name == b"data":
            return
        position += 8 + declared + declared % 2


def _refuse_unusable_length(path: str, num_samples: int, rate: int) -> None:
    if num_samples < 2:
        raise RecordError(
            "too_short",
            f"the wav file {path} holds no sound",
            found=f"{num_samples} samples",
            expected="at least 2: the time runs from one end to the other",
            fix="record or export it again",
        )
    if num_samples > MAX_SAMPLES:
        raise RecordError(
            "too_long",
            f"the wav file {path} is too long to be fitted at once",
            found=f"{num_samples:,} samples, {num_samples / max(rate, 1):.0f} s",
            expected=f"at most {MAX_SAMPLES:,} samples",
            fix="cut it, for example: ffmpeg -i INPUT -t 7 OUTPUT.wav (the paper fits 7 s)",
        )


def _refuse_unusable_values(path: str, samples: np.ndarray, channels: int) -> None:
    bad = np.flatnonzero(~np.isfinite(samples))
    if bad.size:
        raise RecordError(
            "not_finite",
            f"the wav file {path} has samples that are NaN or infinite",
            found=f"{bad.size} of {samples.size} samples, the first at {bad[0]}",
            expected="finite numbers",
            fix="export it again as 16-bit PCM",
        )
    if not np.any(samples):
        averaged = f" after its {channels} channels are averaged" if channels > 1 else ""
        raise RecordError(
            "silent",
            f"the wav file {path} is silent{averaged}",
            found=f"{samples.size} samples, all zero",
            expected="some sound: the samples are divided by the largest",
            fix="record or export it again",
        )
