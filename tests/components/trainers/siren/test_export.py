"""The SavedModel, loaded and served."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from siren_signals import FRAMES, HEIGHT, SAMPLES, TASKS, WIDTH, features, make_task

from components.trainers.signature_graph import random_ops_in

Signatures = Mapping[str, Callable[..., Mapping[str, tf.Tensor]]]


def transform(task: str, channels: int) -> Callable[[tf.Tensor], Mapping[str, Any]]:
    """Stands for Transform's graph: the record is the number of the frame."""
    arrays = features(task, channels)

    def transform_fn(serialized: tf.Tensor) -> Mapping[str, Any]:
        number = tf.strings.to_number(serialized, tf.int64)
        if task == "audio":
            sound = tf.constant(arrays["signal/values"])
            # Each further record is a sound one sample shorter.
            return {
                "signal/values": tf.map_fn(
                    lambda n: tf.RaggedTensor.from_tensor(sound[None, : SAMPLES - n])[0],
                    number,
                    fn_output_signature=tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0),
                )
            }
        return {
            name: tf.gather(tf.constant(array), number)
            for name, array in arrays.items()
            if name != "signal/mask"
        }

    return transform_fn


def export(task_name: str, directory: Path, channels: int = 1) -> tuple[Any, Signatures]:
    task = make_task(task_name, channels=channels, transform_fn=transform(task_name, channels))
    task.export(str(directory))
    return task, tf.saved_model.load(str(directory)).signatures


@pytest.mark.parametrize("task_name", ["image", "audio", "video"])
def test_the_network_is_served_at_any_number_of_points(task_name: str, tmp_path: Path) -> None:
    task, signatures = export(task_name, tmp_path / "model", channels=3)
    for points in (1, 9):
        shape = [points, task.network.in_features]
        where = tf.random.stateless_uniform(shape, [0, 1], -1.0, 1.0)
        found = signatures["serving_default"](coordinates=where)["values"]
        np.testing.assert_allclose(found, task.model(where), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("task_name", TASKS)
def test_evaluate_gives_prediction_target_and_shape(task_name: str, tmp_path: Path) -> None:
    task, signatures = export(task_name, tmp_path / "model", channels=3)
    frames = FRAMES if task_name == "video" else 1
    records = tf.constant([str(number) for number in range(frames)])
    found = signatures["evaluate"](examples=records)
    channels = 1 if task_name == "audio" else 3
    shape = [SAMPLES, 1, 1] if task_name == "audio" else [HEIGHT, WIDTH, channels]
    np.testing.assert_array_equal(found["shape"], [shape] * frames)
    assert found["prediction"].shape == found["target"].shape == (frames, np.prod(shape))
    arrays = features(task_name, 3)
    target = arrays["signal/values"]
    if task_name == "poisson_editing":
        target = 0.5 * (target + arrays["signal/second"])
    np.testing.assert_allclose(np.ravel(found["target"]), target.ravel(), atol=1e-6)

    values = task.model(task._coordinates()).numpy()
    if task_name.startswith("poisson"):
        low, high = values.min(0), values.max(0)
        flat = target.reshape(-1, 3)
        values = (values - low) / (high - low) * (flat.max(0) - flat.min(0)) + flat.min(0)
    np.testing.assert_allclose(np.ravel(found["prediction"]), values.ravel(), atol=1e-4)


def test_frames_may_come_in_any_order(tmp_path: Path) -> None:
    _, signatures = export("video", tmp_path / "model")
    whole = signatures["evaluate"](examples=tf.constant(["0", "1", "2"]))
    mixed = signatures["evaluate"](examples=tf.constant(["2", "0"]))
    np.testing.assert_allclose(mixed["prediction"][0], whole["prediction"][2], atol=1e-6)
    np.testing.assert_allclose(mixed["prediction"][1], whole["prediction"][0], atol=1e-6)


def test_sounds_of_different_length_are_padded(tmp_path: Path) -> None:
    _, signatures = export("audio", tmp_path / "model")
    found = signatures["evaluate"](examples=tf.constant(["0", "4"]))
    np.testing.assert_array_equal(found["shape"], [[SAMPLES, 1, 1], [SAMPLES - 4, 1, 1]])
    assert found["prediction"].shape == found["target"].shape == (2, SAMPLES)
    assert not np.any(found["prediction"][1, -4:])


def test_a_picture_is_reconstructed_in_any_size(tmp_path: Path) -> None:
    task, signatures = export("image", tmp_path / "model", channels=3)
    encoded = signatures["reconstruct"](size=tf.constant([HEIGHT, WIDTH]))["encoded"]
    assert encoded.shape == ()
    shown = tf.io.decode_png(encoded).numpy()
    expected = np.clip(task.model(task._coordinates()).numpy() / 2 + 0.5, 0, 1) * 255
    np.testing.assert_allclose(shown.reshape(-1, 3), expected, atol=0.51)
    larger = signatures["reconstruct"](size=tf.constant([13, 7]))["encoded"]
    assert tf.io.decode_png(larger).shape == (13, 7, 3)


def test_a_poisson_reconstruction_has_the_range_of_the_signal(tmp_path: Path) -> None:
    _, signatures = export("poisson_gradient", tmp_path / "model")
    encoded = signatures["reconstruct"](size=tf.constant([HEIGHT, WIDTH]))["encoded"]
    shown = tf.io.decode_png(encoded).numpy()
    values = features("poisson_gradient")["signal/values"]
    expected = np.array([values.min(), values.max()]) * 127.5 + 127.5
    np.testing.assert_allclose([shown.min(), shown.max()], expected, atol=0.6)


def test_a_film_is_reconstructed_as_a_strip_of_frames(tmp_path: Path) -> None:
    _, signatures = export("video", tmp_path / "model")
    encoded = signatures["reconstruct"](size=tf.constant([4, 8, 9]))["encoded"]
    assert tf.io.decode_png(encoded).shape == (32, 9, 1)


def test_a_sound_keeps_its_length_at_any_rate(tmp_path: Path) -> None:
    _, signatures = export("audio", tmp_path / "model")
    for factor in (1, 2):
        size = tf.constant([SAMPLES * factor])
        encoded = signatures["reconstruct"](size=size)["encoded"].numpy()
        with wave.open(io.BytesIO(encoded)) as sound:
            assert sound.getnframes() == SAMPLES * factor
            assert sound.getframerate() == 8000 * factor
            assert sound.getnchannels() == 1


def test_no_signature_draws_random_numbers(tmp_path: Path) -> None:
    export("inpainting", tmp_path / "model")
    for signature in ("serving_default", "reconstruct", "evaluate"):
        assert random_ops_in(str(tmp_path / "model"), signature) == []


def test_without_a_transform_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    make_task("image").export(str(tmp_path / "model"))
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    assert set(signatures) == {"serving_default", "reconstruct"}


def test_a_network_trained_in_bfloat16_is_served_in_float32(tmp_path: Path) -> None:
    task = make_task("image", training={"precision": "mixed_bfloat16"})
    task.export(str(tmp_path / "model"))
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    where = task._coordinates()
    found = served(coordinates=where)["values"].numpy()
    np.testing.assert_allclose(found, task._float32_model()(where), rtol=1e-5, atol=1e-6)
