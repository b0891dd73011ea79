"""The recorded numbers of the authors' DETR, and networks with their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.model import Detections, Detr, build_model
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.detr.objective import Objective
from components.trainers.detr.reference_weights import (
    load_reference_weights,
    variables_by_reference_name,
)
from components.transforms.detr_features import (
    BOXES,
    IMAGE,
    IMAGE_SIZE,
    LABELS,
    MASKS,
    NUM_OBJECTS,
)


@dataclass(frozen=True)
class Reference:
    """A recorded network.

    Attributes:
        arrays: Weights, inputs and outputs.
        numbers: Losses, norms, settings.
    """

    arrays: Mapping[str, np.ndarray]
    numbers: Mapping[str, Any]

    @property
    def config(self) -> NetworkConfig:
        """Our configuration of the recorded network."""
        theirs = self.numbers["config"]
        return NetworkConfig(
            bottleneck_width=self.arrays[self.name("backbone.0.body.layer1.0.conv1.weight")].shape[
                0
            ],
            hidden=theirs["hidden_dim"],
            heads=theirs["nheads"],
            feed_forward=theirs["dim_feedforward"],
            encoder_layers=theirs["enc_layers"],
            decoder_layers=theirs["dec_layers"],
            queries=theirs["num_queries"],
            dropout=theirs["dropout"],
            classes=self.numbers["num_classes"],
            masks=theirs.get("masks", False),
        )

    def name(self, parameter: str) -> str:
        """Where a detector's weight is recorded."""
        prefix = "detr." if self.numbers["config"].get("masks") else ""
        return f"state/{prefix}{parameter}"

    @property
    def state(self) -> dict[str, np.ndarray]:
        """The authors' names -> weights."""
        return under(self.arrays, "state/")

    @property
    def images(self) -> tf.Tensor:
        """`[2, 96, 96, 3]`, padded."""
        return tf.constant(self.arrays["in/padded_nchw"].transpose(0, 2, 3, 1))

    @property
    def sizes(self) -> tf.Tensor:
        """int64 `[2, 2]`, true sizes."""
        inside = ~self.arrays["in/mask_true_is_pad"]
        return tf.constant(np.stack([inside[:, :, 0].sum(1), inside[:, 0, :].sum(1)], 1))

    def model(self, precision: str = "float32") -> Detr:
        """A network with the recorded weights."""
        model = build_model(self.config, precision=precision)
        load_reference_weights(model, self.state)
        return model

    @property
    def batch(self) -> dict[str, tf.Tensor]:
        """The recorded images and their targets, as training sees them."""
        counts = [len(self.arrays[f"target{image}/labels"]) for image in range(2)]
        labels = np.zeros((2, max(counts)), np.int64)
        boxes = np.zeros((2, max(counts), 4), np.float32)
        masks = np.zeros((2, max(counts), *self.images.shape[1:3]), np.uint8)
        for image, count in enumerate(counts):
            labels[image, :count] = self.arrays[f"target{image}/labels"]
            boxes[image, :count] = self.arrays[f"target{image}/boxes"]
            if self.config.masks:
                own = self.arrays[f"target{image}/masks"]
                masks[image, :count, : own.shape[1], : own.shape[2]] = own
        arrays = {BOXES: boxes, LABELS: labels, NUM_OBJECTS: np.int64(counts)}
        arrays |= {MASKS: masks} if self.config.masks else {}
        tensors = {name: tf.constant(array) for name, array in arrays.items()}
        return {IMAGE: self.images, IMAGE_SIZE: self.sizes, **tensors}

    def detections(self, model: Detr) -> Detections:
        """What a network makes of the recorded images."""
        detect = tf.function(
            lambda images, sizes: model(images, sizes, every_layer=True), autograph=False
        )
        return detect(self.images, self.sizes)


@dataclass(frozen=True)
class Gradients:
    """A loss and what follows from it.

    Attributes:
        terms: Name -> value.
        by_name: The authors' names -> gradients, of all that trains.
    """

    terms: Mapping[str, float]
    by_name: Mapping[str, np.ndarray]


def gradients_of(model: Detr, batch: Mapping[str, tf.Tensor]) -> Gradients:
    """Losses and gradients of a batch, without dropout."""
    objective, variables = Objective(model, LossWeights()), model.trainable_variables

    @tf.function(autograph=False)
    def run(images: Mapping[str, tf.Tensor]) -> Any:
        with tf.GradientTape() as tape:
            terms = objective.terms(images, objective.totals(images))
        return terms, tape.gradient(terms["loss"], variables)

    terms, gradients = run(batch)
    names = {id(variable): name for name, variable in variables_by_reference_name(model).items()}
    by_name = {
        names[id(variable)]: np.asarray(gradient)
        for variable, gradient in zip(variables, gradients, strict=True)
    }
    return Gradients({name: float(value) for name, value in terms.items()}, by_name)


def read_reference(shared_dir: Path, name: str) -> Reference:
    """Reads `detr` or `detr_panoptic`."""
    with np.load(shared_dir / "parity" / f"{name}.npz") as archive:
        arrays = {key: archive[key] for key in archive.files}
    return Reference(arrays, json.loads((shared_dir / "parity" / f"{name}.json").read_text()))


def under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, without that."""
    return {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}


def channels_first(features: Any) -> np.ndarray:
    """`[batch, height, width, channels]` -> `[batch, channels, height, width]`."""
    return np.asarray(features).transpose(0, 3, 1, 2)


def relative_error(found: Any, reference: Any) -> float:
    """The largest difference, as a share of the reference's largest magnitude."""
    found, reference = np.asarray(found, np.float64), np.asarray(reference, np.float64)
    assert found.shape == reference.shape, (found.shape, reference.shape)
    scale = np.abs(reference).max() or 1.0
    return float(np.abs(found - reference).max() / scale)
