import math

import numpy as np
import pytest

from components.evaluators.audio_quality import SignalNoiseSum, snr


def test_snr_of_a_tenth_of_the_amplitude_is_20_decibels():
    target = np.sin(np.linspace(0, 50, 4000, dtype=np.float32))
    assert snr(target * 1.1, target) == pytest.approx(20.0, abs=1e-3)


def test_overshoot_counts():
    assert snr(np.array([2.0]), np.array([1.0])) == pytest.approx(0.0)


def test_snr_at_the_ends():
    silence, sound = np.zeros(4), np.ones(4)
    assert snr(sound, sound) == math.inf
    assert snr(sound, silence) == -math.inf
    assert math.isnan(snr(silence, silence))
    assert math.isnan(SignalNoiseSum().ratio)


def test_waveforms_are_pooled_by_power():
    loud, quiet = np.full(10, 1.0), np.full(10, 0.01)
    total = SignalNoiseSum.between(loud * 0.9, loud).merge(SignalNoiseSum.between(quiet, quiet))
    expected = 10 * math.log10((10 + 10 * 1e-4) / (10 * 0.01))
    assert total.ratio == pytest.approx(expected)
