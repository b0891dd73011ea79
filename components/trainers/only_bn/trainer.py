"""Builds Only-BN's task from what the Trainer node is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.errors import ConfigError
from components.example_gens.labelled_image_config import config_of
from components.trainers.example_batches import batches_from_step
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.progressive_resizing import resized
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.task import Task
from components.trainers.trainer_inputs import TrainerInputs
from components.trainers.transform_graph import TransformGraph, read_examples
from components.transforms.only_bn import AUGMENTED_IMAGE, IMAGE, LABEL

# Test images a batch: evaluation keeps no activations, so more fit than in training.
TEST_BATCH = 256


def build_task(inputs: TrainerInputs) -> Task:
    """Makes the task on the split `train`, with the accuracy on `eval` in its curves.

    Args:
        inputs: Files, Transform's output, and the sections `experiment`, `data` and `network`.

    Raises:
        ConfigError: A section does not fit, or the network has other classes than the data set.
        DataError: There are no records.
    """
    experiment = inputs.section("experiment", OnlyBatchNormExperiment)
    network = inputs.section("network", NetworkConfig)
    data = config_of(inputs.config["data"])
    if network.classes != data.num_classes:
        raise ConfigError(
            "network.classes is not the data set's",
            found=network.classes,
            expected=f"{data.num_classes} ({data.dataset})",
            fix=f"--set network.classes={data.num_classes}",
        )
    # Made once: each makes Transform's graph anew.
    test_batches = read_examples(
        inputs.eval_paths, inputs.transform_dir, {IMAGE, LABEL}, TEST_BATCH
    )
    return OnlyBatchNormTask(
        experiment,
        network,
        inputs.training,
        num_examples=inputs.num_train_records,
        train_batches=_train_batches(inputs, experiment),
        test_batches=lambda: test_batches,
        image_size=(data.image_size, data.image_size),
        transform_fn=TransformGraph(inputs.transform_dir, {IMAGE, LABEL}).from_serialized,
    )


def _train_batches(
    inputs: TrainerInputs, experiment: OnlyBatchNormExperiment
) -> Callable[[int], tf.data.Dataset]:
    graph = TransformGraph(inputs.transform_dir, {AUGMENTED_IMAGE, LABEL})
    side_steps = experiment.image_side_steps(inputs.num_train_records)

    def finish(batch: Mapping[str, Any], step: tf.Tensor) -> dict[str, Any]:
        images = resized(batch[AUGMENTED_IMAGE], step, experiment.image_sides, side_steps)
        return {IMAGE: images, LABEL: batch[LABEL]}

    return batches_from_step(inputs, graph, finish, batch_size=experiment.batch_size)
