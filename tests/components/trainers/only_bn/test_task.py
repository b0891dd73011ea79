"""The task: it learns, freezes what it should, resumes and exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.errors import ConfigError, DataError
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.reference_weights import load_reference_weights
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.training_config import TrainingConfig

SIDE = 8


def images_and_labels() -> tuple[np.ndarray, np.ndarray]:
    """Sixteen images of two classes, told apart by their colour."""
    labels = np.arange(16) % 2
    noise = np.random.default_rng(0).normal(0, 0.3, (16, SIDE, SIDE, 3))
    colours = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.5]])
    return (noise + colours[labels][:, None, None]).astype(np.float32), labels


def make_task(train: str = "bn", **options: Any) -> OnlyBatchNormTask:
    images, labels = images_and_labels()
    data = tf.data.Dataset.from_tensor_slices({"image": images, "label": labels}).batch(16)
    return OnlyBatchNormTask(
        OnlyBatchNormExperiment(batch_size=16, milestone_epochs=(20,)),
        NetworkConfig(depth=8, width=4, classes=2, train=train),
        TrainingConfig(learning_rate=0.1, seed=3, **options),
        num_examples=16,
        train_batches=lambda _: data.repeat(),
        test_batches=lambda: data,
        image_size=(SIDE, SIDE),
    )


@pytest.mark.parametrize("train", ["bn", "random_subset"])
def test_learns_and_leaves_frozen_weights_alone(train: str) -> None:
    task = make_task(train)
    trained = {id(variable) for variable in task.model.trainable_variables}
    frozen = [v for v in task.model.variables if id(v) not in trained and "running" not in v.name]
    before = [np.array(variable) for variable in frozen]
    step = tf.function(task.train_step, autograph=False)
    losses = [float(step(batch)["loss"]) for batch in task.dataset(0).take(30)]
    assert losses[-1] < 0.7 * losses[0]
    assert all(np.array_equal(v, b) for v, b in zip(frozen, before, strict=True))
    scalars = task.summarize(30).scalars
    assert scalars["test_accuracy"] >= 0.75
    assert scalars["learning_rate"] == pytest.approx(0.01)
    assert 0.0 <= scalars["disabled_features"] < 1.0


def test_accumulated_parts_give_the_batchs_loss_scale() -> None:
    task = make_task(accumulation_steps=2)
    terms = task.train_step(next(iter(task.dataset(0))))
    assert 0.0 <= float(terms["train_accuracy"]) <= 1.0
    assert 0.1 < float(terms["loss"]) < 10.0


def test_exported_model_gives_the_networks_logits(tmp_path: Path) -> None:
    task = make_task()
    task.export(str(tmp_path / "model"))
    images, _ = images_and_labels()
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    found = served(image=tf.constant(images))
    np.testing.assert_allclose(found["logits"], task.model(images), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.sum(found["probabilities"], axis=1), 1.0, rtol=1e-5)


def test_settings_out_of_range_are_refused() -> None:
    for fields in ({"batch_size": 0}, {"momentum": 1.0}, {"milestone_epochs": (5, 5)}):
        with pytest.raises(ConfigError, match="experiment"):
            OnlyBatchNormExperiment(**fields)


def test_the_last_smaller_batch_is_a_step() -> None:
    assert OnlyBatchNormExperiment().steps_per_epoch(50_000) == 391


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(DataError, match="not those of this network"):
        load_reference_weights(make_task().model, {"conv.weight": np.zeros((4, 3, 3, 3))})
