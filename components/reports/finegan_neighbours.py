"""Reads the real pictures that a FineGAN's samples are held against: object views of `eval`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.feature_network import image_levels, load_feature_network
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens import boxed_image_features as keys
from components.reports.content import PaperInputs
from components.reports.nearest_pictures import Neighbours, Pixels, copy_distance, nearest_real

#: Neighbours of each generated picture.
NEAREST = 4
_BATCH = 64
_NAMES_AT_ONCE = 256
#: Batches of pictures that are compared with their own training views.
_COMPARED_BATCHES = 4


@dataclass(frozen=True)
class RealPictures:
    """What the real pictures tell of generated ones.

    Attributes:
        neighbours: The nearest ones, by the benchmark's feature network.
        copied: The median distance from a picture's training view, cropped and mirrored at random,
            to the picture itself: what a memorised one would have.
        names: The records of the split `eval` in order: their pictures' paths.
    """

    neighbours: Neighbours
    copied: float
    names: tuple[str, ...]


def load_real_pictures(inputs: PaperInputs, generated: Pixels) -> RealPictures:
    """Looks through the object views of the split `eval`.

    Args:
        inputs: The run.
        generated: `[generated, height, width, 3]`, 8-bit levels.

    Raises:
        DataError: There is no record.
        ConfigError: The feature network cannot be loaded.
    """
    from components.transforms.finegan import AUGMENTED_OBJECT_VIEW, OBJECT_VIEW

    config = GeneratedImagesConfig(**inputs.config.get("generated_images", {}))
    network = load_feature_network(config)

    def features_of(levels: Pixels) -> NDArray[Any]:
        return network.compute(levels)[0]

    views = (view for [view] in _views(inputs, OBJECT_VIEW))
    neighbours = nearest_real(generated, views, features_of, NEAREST)
    if neighbours is None:
        raise DataError(
            "the split `eval` holds no record to show",
            found=", ".join(inputs.example_files) or "no file",
            expected="the records that ExampleGen wrote",
        )
    pairs = islice(_views(inputs, AUGMENTED_OBJECT_VIEW, OBJECT_VIEW), _COMPARED_BATCHES)
    copied = copy_distance(((trained, plain) for trained, plain in pairs), features_of)
    return RealPictures(neighbours, copied, _names(inputs))


def _views(inputs: PaperInputs, *outputs: str) -> Iterator[list[Pixels]]:
    """Batches of Transform's outputs, as 8-bit levels."""
    from components.trainers.transform_graph import read_examples

    batches = read_examples(inputs.example_files, inputs.transform_dir, set(outputs), _BATCH)
    for batch in batches.as_numpy_iterator():
        yield [image_levels(batch[name]) for name in outputs]


def _names(inputs: PaperInputs) -> tuple[str, ...]:
    import tensorflow as tf

    from components.example_gens.split_files import read_records

    spec = {keys.IMAGE_ID: tf.io.FixedLenFeature([], tf.string)}
    names: list[str] = []
    for batch in read_records(inputs.example_files).batch(_NAMES_AT_ONCE):
        found = tf.io.parse_example(batch, spec)[keys.IMAGE_ID].numpy()
        names += [name.decode(errors="replace") for name in found]
    return tuple(names)
