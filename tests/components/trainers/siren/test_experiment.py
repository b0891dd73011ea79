"""The sections of the configuration, and which signals suit a task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from siren_signals import HEIGHT, SAMPLES, TASKS, WIDTH, features

from components.errors import ConfigError, DataError
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.signals import reference, signal_from_features, supervision


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_fraction": 0.0},
        {"sample_fraction": 1.5},
        {"audio_extent": -1.0},
        {"points_at_once": 0},
        {"prior_weight": -1.0},
        {"prior": "tv", "task": "audio"},
    ],
)
def test_settings_without_a_meaning_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SirenExperiment(**wrong)


@pytest.mark.parametrize(
    ("task", "channels", "samples", "components"),
    [
        ("image", 3, HEIGHT * WIDTH, 3),
        ("inpainting", 1, HEIGHT * WIDTH, 1),
        ("audio", 1, SAMPLES, 1),
        ("poisson_gradient", 1, HEIGHT * WIDTH, 2),
        ("poisson_gradient", 3, HEIGHT * WIDTH, 6),
        ("poisson_laplacian", 3, HEIGHT * WIDTH, 3),
        ("poisson_editing", 3, HEIGHT * WIDTH, 6),
        ("video", 3, 3 * HEIGHT * WIDTH, 3),
    ],
)
def test_each_task_is_supervised_by_its_own_numbers(
    task: str, channels: int, samples: int, components: int
) -> None:
    experiment = SirenExperiment(task=task)
    signal = signal_from_features(experiment, features(task, channels))
    assert supervision(experiment, signal).shape == (samples, components)
    assert reference(signal).shape == (samples, channels)
    assert np.prod(signal.grid_shape) == samples
    assert len(signal.grid_shape) == experiment.coordinate_axes


def test_editing_is_scored_against_the_mean_of_both_pictures() -> None:
    arrays = features("poisson_editing")
    signal = signal_from_features(SirenExperiment(task="poisson_editing"), arrays)
    expected = 0.5 * (arrays["signal/values"] + arrays["signal/second"])
    np.testing.assert_array_equal(reference(signal), expected.reshape(-1, 1))


def test_a_film_of_one_frame_is_still_a_film() -> None:
    arrays = {"signal/values": features("image")["signal/values"]}
    signal = signal_from_features(SirenExperiment(task="video"), arrays)
    assert signal.grid_shape == (1, HEIGHT, WIDTH)


@pytest.mark.parametrize("task", TASKS)
def test_values_that_are_not_finite_are_refused(task: str) -> None:
    arrays = features(task)
    arrays["signal/values"].ravel()[3] = np.nan
    with pytest.raises(DataError, match="not finite"):
        signal_from_features(SirenExperiment(task=task), arrays)


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("image", {"signal/values": np.zeros((2, 4, 4, 1))}, "one picture"),
        ("image", {"signal/values": np.zeros((4, 4, 1))}, "does not suit"),
        ("image", {"signal/values": np.zeros((0, 4, 4, 1))}, "does not suit"),
        ("audio", {"signal/values": np.zeros(0)}, "does not suit"),
        ("inpainting", {"signal/mask": np.zeros((1, 2, 2, 1))}, "signal/mask"),
        ("poisson_editing", {"signal/second": np.zeros((1, 2, 2, 1))}, "signal/second"),
    ],
)
def test_signals_that_do_not_suit_the_task_are_named(
    task: str, change: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        signal_from_features(SirenExperiment(task=task), features(task) | change)


def test_a_missing_output_of_transform_is_named() -> None:
    arrays = features("image")
    with pytest.raises(DataError, match="signal/mask is missing"):
        signal_from_features(SirenExperiment(task="inpainting"), arrays)
