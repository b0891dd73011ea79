"""DETR: backbone, transformer, heads, and the mask head of panoptic segmentation.

Source: facebookresearch/detr at 29901c5, models/detr.py and models/segmentation.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from components.trainers.detr.backbone import Backbone
from components.trainers.detr.dropout import Dropout
from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.layers import default_linear, weight
from components.trainers.detr.mask_head import MaskHead
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.detr.padding import valid_pixels
from components.trainers.detr.position_encoding import LearnedEncoding, SineEncoding
from components.trainers.detr.transformer import Transformer


class Detections(NamedTuple):
    """What DETR makes of a batch of images.

    Attributes:
        logits: `[layers, batch, queries, classes + 1]` of the decoder's layers, the last one last,
            or of that one alone; the last class is "no object".
        boxes_cxcywh: `[layers, batch, queries, 4]` in [0, 1], relative to the image without its
            padding; of the same layers.
        states: `[decoder_layers, batch, queries, hidden]`, normed.
        entering: The states that enter the last decoder layer, `[batch, queries, hidden]`.
        memory: The encoder's output, `[batch, height, width, hidden]`.
        valid: bool `[batch, height, width]`, False on the memory's padding.
        projected: The encoder's input, like `memory`.
        features: Of the backbone's four segments, `[batch, height, width, channels]`.
        positions: The encoding, like `memory`.
    """

    logits: tf.Tensor
    boxes_cxcywh: tf.Tensor
    states: tf.Tensor
    entering: tf.Tensor
    memory: tf.Tensor
    valid: tf.Tensor
    projected: tf.Tensor
    features: list[tf.Tensor]
    positions: tf.Tensor


class Heads(keras.layers.Layer):
    """Class and box of every query; shared by the decoder's layers. They give float32.

    Attributes:
        classes: The classifier.
        boxes: Three linear layers with ReLUs between them.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        hidden = config.hidden
        self.classes = default_linear(hidden, config.classes + 1, values, **options)
        self.boxes = [
            default_linear(hidden, outputs, values, **options) for outputs in (hidden, hidden, 4)
        ]
        self.built = True

    def call(self, states: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[…, hidden]` -> logits `[…, classes + 1]` and boxes `[…, 4]` in [0, 1]."""
        first, second, third = self.boxes
        places = third(tf.nn.relu(second(tf.nn.relu(first(states)))))
        logits = tf.cast(self.classes(states), tf.float32)
        return logits, tf.sigmoid(tf.cast(places, tf.float32))


class Detr(keras.Model):
    """The network; `build_model` makes it.

    Attributes:
        config: Its shape.
        backbone, input_projection, positions, transformer, queries, heads: The detector's parts.
        mask_head: Of panoptic segmentation, or None.
    """

    def __init__(self, config: NetworkConfig, seed: int, precision: str) -> None:
        super().__init__(dtype=precision)
        self.config = config
        values, dtype = InitialValues(seed), {"dtype": precision}
        self.backbone = Backbone(config, values, **dtype)
        self.input_projection = default_linear(
            config.segment_channels[-1], config.hidden, values, **dtype
        )
        self.positions: SineEncoding | LearnedEncoding = (
            SineEncoding(config, **dtype)
            if config.positions == "sine"
            else LearnedEncoding(config, values, **dtype)
        )
        self.transformer = Transformer(config, values, **dtype)
        self.queries = weight(self, "queries", values.normal((config.queries, config.hidden)))
        self.heads = Heads(config, values, **dtype)
        self.mask_head = MaskHead(config, values, **dtype) if config.masks else None

    def call(
        self,
        images: tf.Tensor,
        sizes: tf.Tensor,
        *,
        every_layer: bool = False,
        dropout_seed: tf.Tensor | None = None,
    ) -> Detections:
        """Detects.

        Args:
            images: `[batch, height, width, 3]`, normalised, 0 beyond their true sizes.
            sizes: int `[batch, 2]`, true heights and widths, pixels.
            every_layer: Whether to predict from every decoder layer; as training with auxiliary
                losses does.
            dropout_seed: int64 `[2]`, in training; None drops nothing.
        """
        dropout = Dropout(self.config.dropout, dropout_seed)
        features = self.backbone(images)
        projected = self.input_projection(features[-1])
        shape = tf.shape(projected)
        valid = valid_pixels(sizes, tf.unstack(tf.shape(images)[1:3]), tf.unstack(shape[1:3]))
        positions = tf.cast(self.positions(valid), projected.dtype)
        flat_positions, flat_valid = _flat(positions), _flat(valid[..., None])[..., 0]
        memory = self.transformer.encode(_flat(projected), flat_positions, flat_valid, dropout)
        queries = tf.cast(tf.convert_to_tensor(self.queries), memory.dtype)
        outputs, entering = self.transformer.decode(
            queries, memory, flat_positions, flat_valid, dropout
        )
        states = tf.stack(outputs)
        logits, boxes = self.heads(states if every_layer else states[-1:])
        return Detections(
            logits=logits,
            boxes_cxcywh=boxes,
            states=states,
            entering=entering,
            memory=tf.reshape(memory, shape),
            valid=valid,
            projected=projected,
            features=features,
            positions=positions,
        )

    def segment(self, found: Detections, pairs: tf.Tensor) -> tf.Tensor:
        """Masks of some of the queries.

        Args:
            found: Of the same network.
            pairs: int32 `[pairs, 2]`: numbers of image and query.

        Returns:
            float32 logits `[pairs, height / 4, width / 4]` of the padded image, sizes rounded up.
        """
        if self.mask_head is None:
            raise ValueError("this network has no mask head (network.masks)")
        return self.mask_head(
            tf.gather_nd(found.states[-1], pairs),
            pairs[:, 0],
            found.memory,
            found.valid,
            found.projected,
            found.features[2::-1],
        )

    def attention(self, found: Detections) -> tf.Tensor:
        """Where the queries look in the last decoder layer, of a network in float32.

        Args:
            found: Of the same network.

        Returns:
            `[batch, heads, queries, height, width]`; each map sums to 1.
        """
        weights = self.transformer.last_attention(
            found.entering,
            tf.convert_to_tensor(self.queries),
            _flat(found.memory),
            _flat(found.positions),
            _flat(found.valid[..., None])[..., 0],
        )
        shape = [tf.shape(weights)[:3], tf.shape(found.memory)[1:3]]
        return tf.reshape(weights, tf.concat(shape, 0))


def build_model(config: NetworkConfig, seed: int = 0, precision: str = "float32") -> Detr:
    """A network with its initial weights.

    Args:
        config: Its shape.
        seed: Determines every weight.
        precision: Keras' dtype policy; variables are float32 under each mixed one.
    """
    model = Detr(config, seed, precision)
    model.built = True
    return model


def count_parameters(model: Detr) -> tuple[int, int]:
    """Parameters in all and those that train. Frozen BatchNorms hold buffers, not parameters."""
    trainable = {id(variable) for variable in model.trainable_variables}
    buffers = ("mean", "variance", "gamma", "beta")
    sizes = {
        id(variable): int(np.prod(variable.shape))
        for variable in model.variables
        if id(variable) in trainable or variable.name not in buffers
    }
    return sum(sizes.values()), sum(sizes[number] for number in trainable)


def _flat(features: tf.Tensor) -> tf.Tensor:
    """`[batch, height, width, channels]` -> `[batch, tokens, channels]`."""
    shape = tf.shape(features)
    tokens = tf.reshape(features, tf.stack([shape[0], shape[1] * shape[2], shape[3]]))
    tokens.set_shape([features.shape[0], None, features.shape[3]])
    return tokens
