"""The SavedModel of a classifier.

Signatures:

* `serving_default(image float32 [batch, height, width, 3]) -> {"logits", "probabilities": float32
  [batch, classes]}`: images as Transform's `image` gives them, normalised;
* `evaluate(examples string [batch]) -> {"prediction": float32 [batch, classes], "target": int64
  [batch], "disabled_features": float32 [batch]}`: serialized records; probabilities, the labels,
  and with each record the network's share of disabled features.

The report finds the gammas in the attribute `gammas` of what `tf.saved_model.load` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.trainers.only_bn.disabled_features import disabled_features
from components.trainers.only_bn.model import ResNet

TransformFn = Callable[[tf.Tensor], Mapping[str, Any]]


class ServedClassifier(tf.Module):
    """A network and the functions it is served by.

    Args:
        model: The trained network, in float32.
        transform_fn: Serialized records `[batch]` -> `image` and `label`.

    Attributes:
        gammas: Of each BatchNorm from input to output, `[channels]`.
    """

    def __init__(self, model: ResNet, transform_fn: TransformFn | None) -> None:
        super().__init__(name="only_bn")
        self.model = model
        self.gammas = [norm.gamma.value for norm in model.norms]
        self._transform_fn = transform_fn

    def serve(self, images: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """`serving_default`: logits and probabilities."""
        logits = self.model(images, training=False)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    def evaluate(self, examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """`evaluate`: probabilities and labels of serialized records, and the disabled share."""
        features = self._transform_fn(examples) if self._transform_fn else {}
        labels = tf.reshape(features["label"], [-1])
        return {
            "prediction": self.serve(features["image"])["probabilities"],
            "target": labels,
            "disabled_features": tf.fill(tf.shape(labels), disabled_features(self.gammas)),
        }


def export_only_bn(
    directory: str,
    *,
    model: ResNet,
    image_size: tuple[int, int],
    transform_fn: TransformFn | None = None,
) -> None:
    """Writes the SavedModel.

    Args:
        directory: Where to.
        model: The trained network, in float32.
        image_size: `(height, width)` of the images it is served.
        transform_fn: Serialized records -> Transform's outputs; None leaves `evaluate` out.
    """
    served = ServedClassifier(model, transform_fn)
    images = tf.TensorSpec([None, *image_size, 3], tf.float32, name="image")
    signatures = {
        "serving_default": tf.function(served.serve, autograph=False).get_concrete_function(images)
    }
    if transform_fn is not None:
        signatures["evaluate"] = tf.function(
            served.evaluate, autograph=False
        ).get_concrete_function(tf.TensorSpec([None], tf.string, name="examples"))
    tf.saved_model.save(served, directory, signatures=signatures)
