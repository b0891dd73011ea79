"""Feature networks: what turns images into the features that distances are taken between.

Every network gets images as 8-bit levels, rounded as a PNG file would hold them, so that what is
scored is what is shown. `FEATURE_NETWORKS` of the configuration says what each does with them.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import ConfigError, DataError
from components.evaluators.generated_images_config import (
    CLASSIFIER,
    INCEPTION,
    GeneratedImagesConfig,
)

PIXEL_SIDE = 8
RANDOM_SIDE = 64
RANDOM_CHANNELS = (32, 64, 128)


@dataclass(frozen=True)
class FeatureNetwork:
    """A network and what its features are.

    Attributes:
        name: As in the configuration.
        compute: uint8 levels `[images, height, width, 3]` -> features `[images, dimensions]`, and
            probabilities of classes `[images, classes]` or None.
    """

    name: str
    compute: Callable[[NDArray[np.uint8]], tuple[NDArray[Any], NDArray[Any] | None]]


def image_levels(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Images in [-1, 1], `[images, height, width, 3]`, as 8-bit levels.

    Raises:
        DataError: They are no such images. What is not a number must be told apart before.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or min(images.shape[1:3]) < 1:
        raise DataError(
            "generated and real images must be colour images",
            found=images.shape,
            expected="[images, height, width, 3]",
            fix="export the model with Papergarden's trainer",
        )
    levels = np.round((np.clip(images.astype(np.float32), -1.0, 1.0) + 1.0) * 127.5)
    return levels.astype(np.uint8)


@functools.lru_cache(maxsize=2)
def load_feature_network(config: GeneratedImagesConfig) -> FeatureNetwork:
    """The network that a configuration names; kept, as every metric asks for the same.

    Raises:
        ConfigError: Its file is not there, is not the one with that sha256, or holds none.
    """
    if config.feature_network in (INCEPTION, CLASSIFIER):
        from components.evaluators.given_feature_network import load_classifier, load_inception

        _check_sha256(config)
        load = load_inception if config.feature_network == INCEPTION else load_classifier
        return FeatureNetwork(config.feature_network, load(config))
    if config.feature_network == "pixels":
        return FeatureNetwork("pixels", _pixels)
    return FeatureNetwork("random_convolutions", _random_convolutions(config.random_seed))


def file_sha256(path: Path) -> str:
    """The sha256 of a file; of a directory, of its files' names, sizes and contents in order."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    for file in files:
        if file != path:
            name = file.relative_to(path).as_posix()
            digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def resized(levels: NDArray[np.uint8], height: int, width: int, *, antialias: bool) -> Any:
    """Levels in [0, 255], float32 `[images, height, width, 3]`; bilinear, half-pixel centres."""
    import tensorflow as tf

    return tf.image.resize(levels, (height, width), method="bilinear", antialias=antialias)


def _check_sha256(config: GeneratedImagesConfig) -> None:
    path = Path(config.network_path)
    if not path.exists():
        raise ConfigError(
            "the feature network's file is not there",
            found=config.network_path,
            expected="a file or directory on this machine",
            fix="correct network_path, or take feature_network=random_convolutions",
        )
    if config.network_sha256 and (found := file_sha256(path)) != config.network_sha256:
        raise ConfigError(
            f"{config.network_path} is another file than the configuration means",
            found=found,
            expected=f"sha256 {config.network_sha256}",
            fix="correct network_path or network_sha256",
        )


def _pixels(levels: NDArray[np.uint8]) -> tuple[NDArray[Any], None]:
    small = resized(levels, PIXEL_SIDE, PIXEL_SIDE, antialias=True).numpy()
    return (small / 127.5 - 1.0).reshape(len(levels), -1), None


def _random_convolutions(
    seed: int,
) -> Callable[[NDArray[np.uint8]], tuple[NDArray[Any], None]]:
    """Kernels from N(0, 2 / fan-in), which keeps the features' scale through the ReLUs."""
    import tensorflow as tf

    # Its stream is frozen for good, unlike that of numpy's newer generators.
    draws = np.random.RandomState(seed)
    inputs = (3, *RANDOM_CHANNELS[:-1])
    kernels = [
        (draws.standard_normal((3, 3, fan, out)) * np.sqrt(2.0 / (9 * fan))).astype(np.float32)
        for fan, out in zip(inputs, RANDOM_CHANNELS, strict=True)
    ]

    @tf.function(input_signature=[tf.TensorSpec([None, RANDOM_SIDE, RANDOM_SIDE, 3], tf.float32)])
    def features(images: tf.Tensor) -> tf.Tensor:
        hidden, means = images, []
        for kernel in kernels:
            hidden = tf.nn.relu(tf.nn.conv2d(hidden, kernel, strides=2, padding="SAME"))
            means.append(tf.reduce_mean(hidden, axis=(1, 2)))
        return tf.concat(means, axis=1)

    def compute(levels: NDArray[np.uint8]) -> tuple[NDArray[Any], None]:
        small = resized(levels, RANDOM_SIDE, RANDOM_SIDE, antialias=True)
        return features(small / 127.5 - 1.0).numpy(), None

    return compute
