"""wav files of every width, and each way they can be unusable."""

import io
import struct

import numpy as np
import pytest
from scipy.io import wavfile

from components.example_gens import wav_reader
from components.example_gens.record_source import RecordError
from components.example_gens.wav_reader import read_wav

TONE = np.sin(np.linspace(0, 20, 400)) * 0.8


def wav(samples: np.ndarray, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, samples)
    return buffer.getvalue()


def riff(
    format_tag: int, channels: int, bits: int, data: bytes, declared: int | None = None
) -> bytes:
    """A wav file by hand, for what scipy does not write."""
    block = channels * bits // 8
    header = struct.pack("<HHIIHH", format_tag, channels, 8000, 8000 * block, block, bits)
    size = len(data) if declared is None else declared
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(header)) + header
    body += b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pcm24(samples: np.ndarray) -> bytes:
    values = np.round(samples * (2**23 - 1)).astype("<i4")
    return values.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


@pytest.mark.parametrize(
    ("encoded", "tolerance"),
    [
        (wav(np.round(TONE * 127 + 128).astype(np.uint8)), 1 / 80),
        (wav(np.round(TONE * 32767).astype(np.int16)), 1 / 20_000),
        (riff(1, 1, 24, pcm24(TONE)), 1e-6),
        (wav(np.round(TONE * (2**31 - 1)).astype(np.int32)), 1e-7),
        (wav(TONE.astype(np.float32)), 1e-7),
        (wav(TONE.astype(np.float64)), 1e-7),
    ],
    ids=["int8", "int16", "int24", "int32", "float32", "float64"],
)
def test_every_width_gives_the_same_sound(encoded, tolerance):
    sound = read_wav("tone.wav", encoded)
    assert sound.samples.dtype == np.float32
    np.testing.assert_allclose(sound.samples, TONE, atol=tolerance)
    assert (sound.rate, sound.channels, sound.conversions) == (8000, 1, ())


def test_stereo_is_averaged_and_counted():
    stereo = np.stack([TONE, np.zeros_like(TONE)], axis=1).astype(np.float32)
    sound = read_wav("stereo.wav", wav(stereo))
    np.testing.assert_allclose(sound.samples, TONE / 2, atol=1e-6)
    assert sound.channels == 2
    assert sound.conversions == ("channels_averaged",)


def test_unknown_chunk_is_passed_over():
    encoded = wav(TONE.astype(np.float32))
    assert read_wav("a", encoded + b"note" + struct.pack("<I", 4) + b"abcd").samples.size == 400


@pytest.mark.parametrize(
    ("encoded", "reason", "found"),
    [
        (b"<html><title>Log in</title></html>", "not_a_wav", "HTML page"),
        (b"ID3\x04" + bytes(50), "not_a_wav", "an MP3 sound"),
        (b"", "not_a_wav", "an empty file"),
        (riff(1, 1, 16, b""), "too_short", "0 samples"),
        (wav(TONE.astype(np.float32))[:-100], "truncated", "1500 bytes"),
        (wav(np.zeros(10, np.int16)), "silent", "all zero"),
        (wav(np.full(10, 128, np.uint8)), "silent", "all zero"),
        (wav(np.array([[1, -1], [2, -2]], np.int16)), "silent", "all zero"),
        (
            wav(np.array([0, np.nan, 1, np.nan], np.float32)),
            "not_finite",
            "2 of 4 samples, the first at 1",
        ),
        (wav(np.array([0, 1, np.inf], np.float32)), "not_finite", "1 of 3 samples, the first at 2"),
        (wav(np.array([0, 1e300], np.float64)), "not_finite", "1 of 2"),
        (riff(7, 1, 8, bytes(range(100))), "unsupported_wav", "MULAW"),
        (riff(1, 1, 64, bytes(800)), "unsupported_wav", "int64"),
        (riff(1, 1, 16, bytes(10))[:20], "unsupported_wav", None),
        (riff(1, 0, 16, bytes(10)), "unsupported_wav", None),
    ],
)
def test_unusable_wav_is_refused(encoded, reason, found):
    with pytest.raises(RecordError, match=r"bad\.wav") as caught:
        read_wav("bad.wav", encoded)
    assert caught.value.reason == reason
    assert caught.value.fix
    if found is not None:
        assert found in str(caught.value.found)


def test_too_long_sound_is_refused(monkeypatch):
    monkeypatch.setattr(wav_reader, "MAX_SAMPLES", 399)
    with pytest.raises(RecordError, match="too long") as caught:
        read_wav("a.wav", wav(TONE.astype(np.float32)))
    assert "400 samples" in caught.value.found


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["gt_bach.wav", "gt_counting.wav"])
def test_authors_sounds_are_read(shared_dir, name):
    sound = read_wav(name, (shared_dir / "data" / "siren" / name).read_bytes())
    assert sound.rate == 44100
    assert sound.samples.size > 300_000
