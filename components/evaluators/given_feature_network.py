"""Feature networks whose weights the user gives: InceptionV3, and a classifier's SavedModel.

InceptionV3's weights come as Keras publishes them
(`inception_v3_weights_tf_dim_ordering_tf_kernels.h5`, or `…_notop.h5`): the file that a machine
with `keras.applications` has, and one that holds arrays alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.errors import ConfigError
from components.evaluators.feature_network import resized
from components.evaluators.generated_images_config import GeneratedImagesConfig

INCEPTION_SIDE = 299
_CLASSIFIER_SIGNATURE = "serving_default"

Compute = Callable[[NDArray[np.uint8]], tuple[NDArray[Any], NDArray[Any] | None]]


def load_inception(config: GeneratedImagesConfig) -> Compute:
    """InceptionV3 with the weights of `network_path`.

    Raises:
        ConfigError: The file holds other weights.
    """
    import keras

    try:
        with_classes = _has_classes(config.network_path)
        model = keras.applications.InceptionV3(
            weights=None, include_top=with_classes, pooling=None if with_classes else "avg"
        )
        model.load_weights(config.network_path)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"{config.network_path} does not hold the weights of Keras' InceptionV3",
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            expected="inception_v3_weights_tf_dim_ordering_tf_kernels.h5 or the same with _notop",
            fix="correct network_path",
        ) from error
    outputs = [model.get_layer("avg_pool").output, model.output] if with_classes else model.output
    network = keras.Model(model.input, outputs)
    # Called eagerly, its hundreds of layers cost more than their arithmetic.
    run = tf.function(
        lambda images: network(images, training=False),
        input_signature=[tf.TensorSpec([None, INCEPTION_SIDE, INCEPTION_SIDE, 3], tf.float32)],
    )

    def compute(levels: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        images = resized(levels, INCEPTION_SIDE, INCEPTION_SIDE, antialias=False) / 127.5 - 1.0
        found = run(images)
        if not with_classes:
            return found.numpy(), None
        features, probabilities = found
        return features.numpy(), probabilities.numpy()

    return compute


def load_classifier(config: GeneratedImagesConfig) -> Compute:
    """The SavedModel of `network_path`: `serving_default(image) -> logits, probabilities`.

    Raises:
        ConfigError: It has no such signature.
    """
    try:
        model = tf.saved_model.load(config.network_path)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{config.network_path} is no SavedModel",
            found=str(error).splitlines()[0],
            expected="a directory with saved_model.pb",
            fix="correct network_path",
        ) from error
    signature = model.signatures.get(_CLASSIFIER_SIGNATURE)
    shape = _image_shape(signature)
    if signature is None or shape is None:
        raise ConfigError(
            f"{config.network_path} is no classifier of images",
            found=f"signatures {', '.join(model.signatures) or 'none'}",
            expected=f"`{_CLASSIFIER_SIGNATURE}`(image float32 [batch, height, width, 3]) ->"
            " logits, probabilities",
            fix="take the SavedModel of an Only-BN run",
        )
    mean, deviation = (
        np.asarray(one, np.float32) for one in (config.classifier_mean, config.classifier_deviation)
    )

    def compute(levels: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        # A reference to the signature alone would not keep the model's variables.
        serve = model.signatures[_CLASSIFIER_SIGNATURE]
        images = (resized(levels, *shape, antialias=True) / 255.0 - mean) / deviation
        outputs: Mapping[str, Any] = serve(image=images)
        return outputs["logits"].numpy(), outputs["probabilities"].numpy()

    return compute


def _image_shape(signature: Any) -> tuple[int, int] | None:
    """Height and width of the signature's input, if it is a classifier's."""
    if signature is None or not {"logits", "probabilities"} <= signature.structured_outputs.keys():
        return None
    spec = signature.structured_input_signature[1].get("image")
    if spec is None or spec.shape.rank != 4 or None in spec.shape[1:3]:
        return None
    return int(spec.shape[1]), int(spec.shape[2])


def _has_classes(path: str) -> bool:
    """Whether a file of InceptionV3's weights has the dense layer on top."""
    import h5py

    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visit(names.append)
    return any("predictions" in name or "dense" in name for name in names)
