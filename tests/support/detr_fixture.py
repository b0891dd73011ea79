"""The recorded numbers of the authors' DETR, and networks with their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainers.detr.model import Detections, Detr, build_model
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.detr.reference_weights import load_reference_weights


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

    def detections(self, model: Detr) -> Detections:
        """What a network makes of the recorded images."""
        detect = tf.function(
            lambda images, sizes: model(images, sizes, every_layer=True), autograph=False
        )
        return detect(self.images, self.sizes)


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
