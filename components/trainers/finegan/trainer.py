"""Builds FineGAN's task from what the Trainer node is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.errors import ConfigError
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens.boxed_image_config import BoxedImageDataConfig, config_of
from components.trainers.example_batches import batches_from_step
from components.trainers.finegan.evaluated_records import EvaluatedRecords
from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.finegan.task import FineGanTask
from components.trainers.task import Task
from components.trainers.trainer_inputs import TrainerInputs
from components.trainers.transform_graph import TransformGraph, read_examples
from components.transforms.finegan import (
    AUGMENTED_OBJECT_VIEW,
    AUGMENTED_SCENE_BOX,
    AUGMENTED_SCENE_VIEW,
    EXAMPLE_KEY,
    LABEL,
    OBJECT_VIEW,
    SCENE_BOX,
    SCENE_VIEW,
)

KEYS_AT_ONCE = 1024

# What training sees, under the names that a batch gives it.
TRAINED = {
    AUGMENTED_OBJECT_VIEW: OBJECT_VIEW,
    AUGMENTED_SCENE_VIEW: SCENE_VIEW,
    AUGMENTED_SCENE_BOX: SCENE_BOX,
}


def build_task(inputs: TrainerInputs) -> Task:
    """Makes the task on the split `train`.

    Args:
        inputs: Files, Transform's output, and the sections `experiment`, `data`, `network` and
            `generated_images`, of which `images_per_child` alone matters here.

    Raises:
        ConfigError: A section does not fit, the network has other codes or another image size than
            the data section, or there are fewer records than a batch takes.
        DataError: There are no records.
    """
    experiment = inputs.section("experiment", FineGanExperiment)
    network = inputs.section("network", NetworkConfig)
    check_network(network, config_of(inputs.config["data"]))
    steps_per_epoch = inputs.num_train_records // experiment.batch_size
    if not steps_per_epoch:
        raise ConfigError(
            "there are fewer records than a batch takes",
            found=f"{inputs.num_train_records} records",
            expected=f"{experiment.batch_size} or more (experiment.batch_size)",
            fix=f"--set experiment.batch_size={max(2, inputs.num_train_records)}",
        )
    return FineGanTask(
        experiment,
        network,
        inputs.training,
        train_batches=_train_batches(inputs, experiment),
        steps_per_epoch=steps_per_epoch,
        evaluated_records=_evaluated_records(inputs, network),
    )


def check_network(network: NetworkConfig, data: BoxedImageDataConfig) -> None:
    """Compares what the sections `network` and `data` both say.

    Raises:
        ConfigError: They say different things.
    """
    agreed = {
        "image_size": data.image_size,
        "parents": data.num_super_classes,
        "children": data.num_fine_classes,
    }
    for name, expected in agreed.items():
        if getattr(network, name) != expected:
            raise ConfigError(
                f"network.{name} is not the data section's",
                found=getattr(network, name),
                expected=f"{expected} ({data.dataset})",
                fix=f"--set network.{name}={expected}",
            )


def _evaluated_records(inputs: TrainerInputs, network: NetworkConfig) -> EvaluatedRecords:
    keys = read_examples(inputs.eval_paths, inputs.transform_dir, {EXAMPLE_KEY}, KEYS_AT_ONCE)
    return EvaluatedRecords(
        TransformGraph(inputs.transform_dir, {OBJECT_VIEW, EXAMPLE_KEY, LABEL}).from_serialized,
        [int(key) for batch in keys.as_numpy_iterator() for key in batch[EXAMPLE_KEY]],
        children=network.children,
        images_per_child=inputs.section("generated_images", GeneratedImagesConfig).images_per_child,
    )


def _train_batches(
    inputs: TrainerInputs, experiment: FineGanExperiment
) -> Callable[[int], tf.data.Dataset]:
    graph = TransformGraph(inputs.transform_dir, TRAINED)

    def finish(batch: Mapping[str, Any], _: tf.Tensor) -> dict[str, Any]:
        return {name: batch[output] for output, name in TRAINED.items()}

    return batches_from_step(
        inputs, graph, finish, batch_size=experiment.batch_size, drop_remainder=True
    )
