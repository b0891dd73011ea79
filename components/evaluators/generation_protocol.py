"""The paper's protocol: equally many images of every child's code, the codes tied, against real
images; 150 images of each of 200 codes on CUB (the authors in kkanshul/finegan#8).

TFMA's metrics score one generated image a record, whose code is drawn: the same distribution, but
as many images as there are records. This gives the number that the paper's table has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.evaluators.feature_network import image_levels
from components.evaluators.generated_images import GeneratedImages
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.evaluators.generated_records import image_features
from components.evaluators.image_set import UNKNOWN, image_key

# Children's codes and seeds, int64 `[images]` each -> images in [-1, 1] `[images, size, size, 3]`.
Generate = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[Any]]

_MORE_THAN_CODES = 1 << 31


def measure_generator(
    generate: Generate,
    real_images: Iterable[NDArray[Any]],
    children: int,
    config: GeneratedImagesConfig,
) -> GeneratedImages:
    """Accumulates `images_per_child` images of each child's code, and real ones.

    The images of a code have the seeds from code * images_per_child on, so no two share their
    noise, and are dealt to the groups in turn: each group has as many of every code, where the
    numbers allow it.

    Args:
        generate: The model, for example `served_generator` of its SavedModel.
        real_images: Batches `[images, size, size, 3]` in [-1, 1].
        children: Number of child codes.
        config: Feature network, images a code, images at once.

    Returns:
        What `measure` takes the metrics from; without labels, so without clusters.
    """
    images = GeneratedImages(config)
    for batch in real_images:
        keys = np.array([image_key(levels) for levels in image_levels(batch)], np.uint64)
        images.real.add(image_features(batch, keys, np.full(len(batch), UNKNOWN, np.int64), config))
    for codes, seeds in _codes_and_seeds(children, config):
        made = generate(codes, seeds)
        images.generated.add(image_features(made, _dealt(seeds, config), codes, config))
    return images


def served_generator(directory: str) -> Generate:
    """The signature `generate_class` of a SavedModel that FineGAN's trainer exported.

    Args:
        directory: The SavedModel's.
    """
    import tensorflow as tf

    model = tf.saved_model.load(directory)

    def generate(codes: NDArray[np.int64], seeds: NDArray[np.int64]) -> NDArray[Any]:
        serve = model.signatures["generate_class"]
        encoded = serve(child=tf.constant(codes), seed=tf.constant(seeds))["encoded"]
        levels = [tf.io.decode_png(one, channels=3).numpy() for one in encoded]
        return np.stack(levels).astype(np.float32) / 127.5 - 1.0

    return generate


def _codes_and_seeds(
    children: int, config: GeneratedImagesConfig
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    total = children * config.images_per_child
    for start in range(0, total, config.batch_size):
        seeds = np.arange(start, min(start + config.batch_size, total), dtype=np.int64)
        yield seeds // config.images_per_child, seeds


def _dealt(seeds: NDArray[np.int64], config: GeneratedImagesConfig) -> NDArray[np.uint64]:
    """Keys whose remainder is the group in turn, and whose order mixes the codes.

    Those of the lowest keys are kept: first the first image of every code, then the second.
    """
    turn = seeds % config.images_per_child
    code = seeds // config.images_per_child
    group = (turn + code) % config.groups
    rank = turn * _MORE_THAN_CODES + code
    return (rank * config.groups + group).astype(np.uint64)
