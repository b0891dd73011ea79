"""Builds DETR's task from what the Trainer node is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import tensorflow as tf

from components.errors import ConfigError, TrainingError
from components.trainers.detr.batches import check_labels, crop_to_largest, numbered
from components.trainers.detr.experiment import BLESSED, DetrExperiment
from components.trainers.detr.export import TARGET, ImagesFn
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.detr.task import DetrTask
from components.trainers.example_batches import batches_from_step
from components.trainers.task import Task
from components.trainers.trainer_inputs import TrainerInputs
from components.trainers.transform_graph import TransformGraph, read_examples
from components.transforms.detr_features import (
    AUGMENTED,
    BOXES,
    IMAGE,
    IMAGE_ID,
    IMAGE_SIZE,
    LABELS,
    MASKS,
    NUM_OBJECTS,
    ORIGINAL_SIZE,
)

Batch = Mapping[str, Any]


def build_task(inputs: TrainerInputs) -> Task:
    """Makes the task on the split `train`.

    Args:
        inputs: Files, Transform's output, and the sections `experiment`, `data` and `network`.

    Raises:
        ConfigError: A section does not fit, the network has other classes than the data section, or
            there are fewer records than a batch takes.
        DataError: There are no records, or initial weights cannot be used.
    """
    from components.example_gens.coco_config import config_of

    experiment = _with_detector(inputs.section("experiment", DetrExperiment), inputs)
    network = inputs.section("network", NetworkConfig)
    data = config_of(inputs.config["data"])
    agreed = {
        "network.classes": (network.classes, data.num_classes),
        "network.masks": (network.masks, data.has_masks),
    }
    for name, (found, expected) in agreed.items():
        if found != expected:
            raise ConfigError(
                f"{name} does not fit the other sections",
                found=found,
                expected=f"{expected} ({data.dataset}, task {data.task})",
                fix=f"--set {name}={expected}",
            )
    steps_per_epoch = inputs.num_train_records // experiment.batch_size
    if not steps_per_epoch:
        raise ConfigError(
            "there are fewer records than a batch takes",
            found=f"{inputs.num_train_records} records",
            expected=f"{experiment.batch_size} or more (experiment.batch_size)",
            fix=f"--set experiment.batch_size={inputs.num_train_records}",
        )
    return DetrTask(
        experiment,
        network,
        inputs.training,
        train_batches=_train_batches(inputs, experiment, network),
        steps_per_epoch=steps_per_epoch,
        summary_batch=_summary_batch(inputs, experiment, network),
        images_fn=images_function(
            TransformGraph(inputs.transform_dir, {IMAGE, IMAGE_SIZE, ORIGINAL_SIZE})
        ),
        transform_fn=TransformGraph(
            inputs.transform_dir, _evaluated(inputs.transform_dir)
        ).from_serialized,
    )


def _with_detector(experiment: DetrExperiment, inputs: TrainerInputs) -> DetrExperiment:
    """The recipe with the path of the blessed detector, where it asks for that."""
    if experiment.detector != BLESSED:
        return experiment
    if inputs.base_model_dir is None:
        raise ConfigError(
            "experiment.detector=blessed, and the pipeline has found no detector",
            fix="run the pipeline with task=detection first, or name a model's folder",
        )
    return replace(experiment, detector=inputs.base_model_dir)


def images_function(graph: TransformGraph) -> ImagesFn:
    """Transform's graph as a function of encoded images alone.

    Args:
        graph: Pruned to the image and its sizes.

    Raises:
        TrainingError: These depend on other features too.
    """
    if len(graph.inputs) != 1:
        raise TrainingError(
            "the image that Transform makes depends on more than the encoded image",
            found=", ".join(graph.inputs),
            expected="one feature",
            fix="let preprocessing_fn read sizes off the decoded image",
        )
    (name,) = graph.inputs

    def images(encoded: tf.Tensor) -> Batch:
        shape = [-1, *graph.parse_spec[name].shape]
        return graph({name: tf.reshape(encoded, shape)})

    return images


def _trained(network: NetworkConfig) -> list[str]:
    """What training needs of a view."""
    masks = [MASKS] if network.masks else []
    return [IMAGE, IMAGE_SIZE, BOXES, LABELS, NUM_OBJECTS, *masks]


def _evaluated(transform_dir: str) -> set[str]:
    """What the signature `evaluate` needs: the image, what identifies it, and all targets."""
    import tensorflow_transform as tft

    outputs = tft.TFTransformOutput(transform_dir).transformed_feature_spec()
    targets = {name for name in outputs if name.startswith(TARGET)}
    return {IMAGE, IMAGE_SIZE, ORIGINAL_SIZE, IMAGE_ID, *targets}


def _finished(batch: Batch, network: NetworkConfig) -> dict[str, Any]:
    """A batch as the task takes it."""
    from components.transforms.detr_masks import unpack_masks

    checked = check_labels(batch, network.classes)
    packed = checked.pop(MASKS, None)
    cropped = crop_to_largest(checked)
    if packed is not None:
        size = tf.shape(cropped[IMAGE])[1:3]
        objects = tf.shape(cropped[LABELS])[1]
        cropped[MASKS] = unpack_masks(tf.reshape(packed, [-1]), objects, size)
    return cropped


def _train_batches(
    inputs: TrainerInputs, experiment: DetrExperiment, network: NetworkConfig
) -> Callable[[int], tf.data.Dataset]:
    names = _trained(network)
    graph = TransformGraph(inputs.transform_dir, {AUGMENTED + name for name in names})

    def finish(batch: Batch, step: tf.Tensor) -> dict[str, Any]:
        view = {name: batch[AUGMENTED + name] for name in names}
        return numbered(_finished(view, network), step)

    return batches_from_step(
        inputs, graph, finish, batch_size=experiment.batch_size, drop_remainder=True
    )


def _summary_batch(
    inputs: TrainerInputs, experiment: DetrExperiment, network: NetworkConfig
) -> Batch | None:
    """The first test images, without augmentation."""
    if not experiment.summary_images or not inputs.num_eval_records:
        return None
    batches = read_examples(
        inputs.eval_paths,
        inputs.transform_dir,
        _trained(network),
        min(experiment.summary_images, inputs.num_eval_records),
    )
    return _finished(next(iter(batches.take(1))), network)
