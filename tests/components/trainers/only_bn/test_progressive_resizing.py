"""Progressive resizing: which size when, how it is made, and that training takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from components.errors import ConfigError
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.model import build_model
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.progressive_resizing import resized, side_at
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.training_config import TrainingConfig
from components.transforms.only_bn import normalise

PHASES = SIDES, FIRST_STEPS = (32, 48, 64), (0, 10, 25)


def noise(side: int = 64) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((3, side, side, 3), np.float32)


@pytest.mark.parametrize(
    ("step", "side"), [(0, 32), (9, 32), (10, 48), (24, 48), (25, 64), (10**9, 64)]
)
def test_a_side_begins_at_its_step(step: int, side: int) -> None:
    assert int(side_at(tf.constant(step, tf.int64), *PHASES)) == side
    images = resized(tf.constant(noise()), tf.constant(step, tf.int64), *PHASES)
    assert images.shape == (3, side, side, 3)


def test_full_size_is_the_same_to_the_bit() -> None:
    images = tf.constant(noise())
    last = resized(images, tf.constant(25, tf.int64), *PHASES)
    assert np.array_equal(last, images)
    assert resized(images, tf.constant(0, tf.int64), (), (0,)) is images


def triangle_weights(old: int, new: int) -> NDArray[np.float64]:
    """`[new, old]`: a triangle as wide as the two axes' ratio about each new pixel's centre."""
    ratio = old / new
    centres = (np.arange(new) + 0.5) * ratio
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(old) + 0.5 - centres[:, None]) / ratio)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("step", [0, 10])
def test_smaller_images_are_weighted_means_of_all_pixels(step: int) -> None:
    images = noise()
    found = resized(tf.constant(images), tf.constant(step, tf.int64), *PHASES)
    weights = triangle_weights(64, found.shape[1])
    expected = np.einsum("yi,xj,bijc->byxc", weights, weights, images.astype(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_resumed_stream_gives_the_same_images() -> None:
    images = tf.constant(noise())

    def stream(first: int) -> tf.data.Dataset:
        steps = tf.data.Dataset.counter(first)
        return steps.map(lambda step: resized(images + tf.cast(step, tf.float32), step, *PHASES))

    whole = list(stream(0).take(30).as_numpy_iterator())
    for resumed in (9, 10, 26):
        for found, expected in zip(
            stream(resumed).take(30 - resumed).as_numpy_iterator(), whole[resumed:], strict=True
        ):
            assert np.array_equal(found, expected)


@pytest.mark.parametrize("convolutions", ["full", "separable"])
@pytest.mark.parametrize("family", ["cifar", "imagenet"])
def test_networks_take_every_size(family: str, convolutions: str) -> None:
    depth = {"cifar": 14, "imagenet": 18}[family]
    model = build_model(NetworkConfig(family, depth, 4, convolutions=convolutions))
    for side in (*SIDES, 33):
        assert model(tf.zeros([2, side, side, 3])).shape == (2, 10)


def task_of(images: tf.Tensor, labels: tf.Tensor, train: str) -> OnlyBatchNormTask:
    """A tiny task, an epoch a step, of which the sides change at the updates 10 and 20."""
    size = int(images.shape[0])
    experiment = OnlyBatchNormExperiment(
        batch_size=size,
        schedule="cyclic",
        cycle_epochs=30,
        image_sides=SIDES,
        image_side_epochs=(10, 20),
    )
    phases = (SIDES, experiment.image_side_steps(size))

    def batches(first: int) -> tf.data.Dataset:
        return tf.data.Dataset.counter(first).map(
            lambda step: {"image": resized(images, step, *phases), "label": labels}
        )

    return OnlyBatchNormTask(
        experiment,
        NetworkConfig(
            depth=8, width=16, classes=16, train=train, gamma="fixed", convolutions="separable"
        ),
        TrainingConfig(learning_rate=0.2, seed=1),
        num_examples=size,
        train_batches=batches,
        test_batches=lambda: tf.data.Dataset.from_tensors({"image": images, "label": labels}),
        image_size=(64, 64),
    )


def test_task_refuses_sides_that_end_below_the_tested_size() -> None:
    with pytest.raises(ConfigError, match="image_sides"):
        OnlyBatchNormTask(
            OnlyBatchNormExperiment(image_sides=(16, 32), image_side_epochs=(1,)),
            NetworkConfig(depth=8),
            TrainingConfig(),
            num_examples=1,
            train_batches=lambda _: tf.data.Dataset.counter(),
            image_size=(64, 64),
        )


@pytest.mark.realdata
@pytest.mark.parametrize("train", ["all", "all_but_bn"])
def test_real_pictures_are_learnt_through_three_sizes(shared_dir: Path, train: str) -> None:
    classes = sorted((shared_dir / "data" / "tiny-imagenet-200" / "train").iterdir())[:16]
    files = [(path, number) for number, one in enumerate(classes) for path in one.rglob("*.JPEG")]
    levels = [tf.io.decode_jpeg(path.read_bytes(), channels=3) for path, _ in files]
    images = tf.constant(normalise(tf.stack(levels)))
    task = task_of(images, tf.constant([number for _, number in files], tf.int64), train)
    step = tf.function(task.train_step, autograph=False, reduce_retracing=True)
    shapes, losses = [], []
    for batch in task.dataset(0).take(30):
        shapes.append(batch["image"].shape[1])
        losses.append(float(step(batch)["loss"]))
    assert shapes == [32] * 10 + [48] * 10 + [64] * 10
    assert losses[0] > 2.4  # chance: ln 16 = 2.77
    assert losses[-1] < 0.6 * losses[0]
    assert min(losses[20:]) < min(losses[:10])
    assert np.isfinite(task.summarize(30).scalars["test_loss"])
