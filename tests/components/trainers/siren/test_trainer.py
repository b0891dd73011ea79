"""From records to one signal."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from siren_signals import SAMPLES, features

from components.errors import DataError
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.trainer import merge_records, outputs_of


def test_frames_are_put_in_order() -> None:
    whole = features("video", 3)
    records = [{name: array[n : n + 1] for name, array in whole.items()} for n in (2, 0, 1)]
    merged = merge_records(SirenExperiment(task="video"), records)
    for name, array in whole.items():
        np.testing.assert_array_equal(merged[name], array)


def test_a_sound_loses_its_batch_dimension() -> None:
    sound = features("audio")
    ragged = tf.RaggedTensor.from_tensor(sound["signal/values"][None])
    dataset = tf.data.Dataset.from_tensors({**sound, "signal/values": ragged})
    merged = merge_records(SirenExperiment(task="audio"), list(dataset.as_numpy_iterator()))
    np.testing.assert_array_equal(merged["signal/values"], sound["signal/values"])
    assert merged["signal/values"].shape == (SAMPLES,)


@pytest.mark.parametrize(("task", "count"), [("image", 0), ("audio", 0), ("audio", 2)])
def test_a_wrong_number_of_records_is_refused(task: str, count: int) -> None:
    with pytest.raises(DataError, match=f"{count} records"):
        merge_records(SirenExperiment(task=task), [features(task)] * count)


def test_the_random_mask_stays_out_of_serving() -> None:
    served, trained = outputs_of(SirenExperiment(task="inpainting"))
    assert "signal/mask" in trained and "signal/mask" not in served
    served, trained = outputs_of(SirenExperiment(task="poisson_editing"))
    assert "signal/second" in served
