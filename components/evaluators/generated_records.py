"""What a generator's `evaluate` signature gives for a record, and the features of its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.evaluate_signature import EVALUATE_SIGNATURE
from components.evaluators.feature_network import image_levels, load_feature_network
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.evaluators.image_set import UNKNOWN, ImageFeatures, image_key

REAL_IMAGE = "real_image"
FAKE_IMAGE = "fake_image"
CHILD_CODE = "child_code"
LABEL = "label"


@dataclass(frozen=True, eq=False)
class RecordImages:
    """The features of one record's images."""

    real: ImageFeatures
    generated: ImageFeatures


def read_record(outputs: Any, config: GeneratedImagesConfig) -> RecordImages:
    """Computes the features of one record's images.

    Args:
        outputs: `real_image` float `[height, width, 3]` and `fake_image`, of the same shape or
            `[images, height, width, 3]` where the model makes several a record; both in [-1, 1].
            Where there are, `child_code` int64, one a generated image, and `label` int64. Images
            whose code is negative fill up a batch, and are left out.
        config: Names the feature network.

    Raises:
        DataError: An output is absent or of another shape.
    """
    real = _images(outputs, REAL_IMAGE)
    generated = _images(outputs, FAKE_IMAGE)
    if len(real) != 1:
        raise DataError(
            f"`{REAL_IMAGE}` of the `{EVALUATE_SIGNATURE}` signature is not one image a record",
            found=real.shape,
            expected="[height, width, 3]",
        )
    if real.shape[1:] != generated.shape[1:]:
        raise DataError(
            f"`{REAL_IMAGE}` and `{FAKE_IMAGE}` differ in shape",
            found=f"{real.shape[1:]} and {generated.shape[1:]}",
            expected="one height and width",
        )
    label, codes = _numbers(outputs, LABEL, 1), _numbers(outputs, CHILD_CODE, len(generated))
    if CHILD_CODE in outputs:
        generated, codes = generated[codes >= 0], codes[codes >= 0]
    images = np.concatenate([real, generated])
    keys = np.full(len(images), image_key(image_levels(real)), np.uint64)
    # Together, because a call of the network costs more than an image of it.
    both = image_features(images, keys, np.concatenate([label, codes]), config)
    return RecordImages(both.only(np.arange(1)), both.only(np.arange(1, len(images))))


def image_features(
    images: NDArray[Any],
    keys: NDArray[np.uint64],
    numbers: NDArray[np.int64],
    config: GeneratedImagesConfig,
) -> ImageFeatures:
    """Features of images; those of an image that is not finite are not numbers.

    Args:
        images: `[images, height, width, 3]` in [-1, 1].
        keys: `[images]`.
        numbers: `[images]`, labels or codes.
        config: Names the feature network.
    """
    broken = ~np.all(np.isfinite(images), axis=(1, 2, 3))
    levels = image_levels(np.where(np.isfinite(images), images, 0.0))
    features, probabilities = load_feature_network(config).compute(levels)
    features = np.asarray(features, np.float32).copy()
    features[broken] = np.nan
    if probabilities is not None:
        probabilities = np.asarray(probabilities, np.float32).copy()
        probabilities[broken] = np.nan
    return ImageFeatures(keys, features, numbers, probabilities)


def _images(outputs: Any, name: str) -> NDArray[Any]:
    """`[images, height, width, 3]`."""
    if not isinstance(outputs, Mapping) or name not in outputs:
        found = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise DataError(
            f"the model's `{EVALUATE_SIGNATURE}` signature lacks the output `{name}`",
            found=found,
            expected=f"{REAL_IMAGE}, {FAKE_IMAGE}",
            fix="export the model with Papergarden's trainer",
        )
    images = np.asarray(outputs[name])
    return images[np.newaxis] if images.ndim == 3 else images


def _numbers(outputs: Mapping[str, Any], name: str, count: int) -> NDArray[np.int64]:
    if name not in outputs:
        return np.full(count, UNKNOWN, np.int64)
    numbers = np.ravel(np.asarray(outputs[name])).astype(np.int64)
    if len(numbers) != count:
        raise DataError(
            f"the output `{name}` does not fit the images of its record",
            found=len(numbers),
            expected=str(count),
        )
    return numbers
