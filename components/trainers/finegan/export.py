"""The SavedModel of a generator.

Signatures; every picture is a PNG, and a row's pictures depend on that row alone:

* `serving_default` and `generate(z float32 [n, noise_size], background, parent, child int64 [n])
  -> {"encoded", "encoded_background", "encoded_parent_mask", "encoded_parent",
  "encoded_child_mask": string [n]}`: the codes need not belong together; `encoded` is the child's
  picture, the final one;
* `generate_class(child int64 [n], seed int64 [n])` -> the same, with the background and the parent
  that belong to the child, and noise that depends on the seed alone;
* `evaluate(examples string [n])`: serialized records -> `real_image` float32 `[n, size, size, 3]`
  in [-1, 1], the record's deterministic crop; `fake_image`, of the same shape, and what it was made
  of and with: `background_code`, `parent_code`, `child_code` int64 `[n]`, `background_image`,
  `parent_image` like the images, `parent_mask`, `child_mask` float32 `[n, size, size, 1]` in
  [0, 1]. Its noise and its child's code follow from the record's key, so they are the same in every
  evaluation; the codes belong together, as in training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.trainers.finegan.draws import (
    Purpose,
    draw_children,
    draw_noise,
    one_hot_codes,
    tied_codes,
    tied_indices,
)
from components.trainers.finegan.generator import Generator, Stages
from components.transforms.augmentation_seeds import fold_in
from components.transforms.finegan import EXAMPLE_KEY, OBJECT_VIEW

TransformFn = Callable[[tf.Tensor], Mapping[str, Any]]
Outputs = Mapping[str, tf.Tensor]

REAL_IMAGE = "real_image"
FAKE_IMAGE = "fake_image"


class ServedGenerator(tf.Module):
    """A generator and the functions it is served by.

    Args:
        generator: In float32.
        transform_fn: Serialized records `[n]` -> `object_view` and `example_key`.
    """

    def __init__(self, generator: Generator, transform_fn: TransformFn | None) -> None:
        super().__init__(name="finegan")
        self.generator = generator
        self._transform_fn = transform_fn

    def generate(
        self, z: tf.Tensor, background: tf.Tensor, parent: tf.Tensor, child: tf.Tensor
    ) -> Outputs:
        """`generate`: pictures of noise and three codes."""
        codes = one_hot_codes(background, parent, child, self.generator.config)
        return _encoded(self.generator(z, codes, training=False))

    def generate_class(self, child: tf.Tensor, seed: tf.Tensor) -> Outputs:
        """`generate_class`: pictures of a child's code."""
        codes = tied_codes(child, self.generator.config)
        return _encoded(self.generator(self._noise(_seeds(seed)), codes, training=False))

    def evaluate(self, examples: tf.Tensor) -> Outputs:
        """`evaluate`: a record's picture, and one that is made for it."""
        features = self._transform_fn(examples) if self._transform_fn else {}
        seeds = _seeds(features[EXAMPLE_KEY])
        config = self.generator.config
        children = tf.map_fn(
            lambda seed: draw_children(fold_in(seed, Purpose.SERVED_CHILD), 1, config)[0],
            seeds,
            fn_output_signature=tf.TensorSpec([], tf.int64),
        )
        backgrounds, parents, _ = tied_indices(children, config)
        codes = tied_codes(children, config)
        made = self.generator(self._noise(seeds), codes, training=False)
        return {
            REAL_IMAGE: features[OBJECT_VIEW],
            FAKE_IMAGE: made.child,
            "background_image": made.background,
            "parent_image": made.parent,
            "parent_mask": made.parent_mask,
            "child_mask": made.child_mask,
            "background_code": backgrounds,
            "parent_code": parents,
            "child_code": children,
        }

    def _noise(self, seeds: tf.Tensor) -> tf.Tensor:
        """`[n, 2]` int64 -> `[n, noise_size]`, each row a function of its seed."""
        config = self.generator.config
        return tf.map_fn(
            lambda seed: draw_noise(fold_in(seed, Purpose.SERVED_NOISE), 1, config)[0],
            seeds,
            fn_output_signature=tf.TensorSpec([config.noise_size], tf.float32),
        )


def export_finegan(
    directory: str, generator: Generator, transform_fn: TransformFn | None = None
) -> None:
    """Writes the SavedModel.

    Args:
        directory: Where to.
        generator: In float32.
        transform_fn: Serialized records -> Transform's outputs; None leaves `evaluate` out.
    """
    served = ServedGenerator(generator, transform_fn)
    noise_size = generator.config.noise_size

    def signature(function: Callable[..., Outputs], **specs: tf.TensorSpec) -> Any:
        named = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()]
        return tf.function(function, autograph=False).get_concrete_function(*named)

    code, key = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.string)
    noise = tf.TensorSpec([None, noise_size], tf.float32)
    generate = signature(served.generate, z=noise, background=code, parent=code, child=code)
    signatures = {
        "serving_default": generate,
        "generate": generate,
        "generate_class": signature(served.generate_class, child=code, seed=code),
    }
    if transform_fn is not None:
        signatures["evaluate"] = signature(served.evaluate, examples=key)
    tf.saved_model.save(served, directory, signatures=signatures)


def _encoded(made: Stages) -> Outputs:
    return {
        "encoded": _png(made.child * 0.5 + 0.5),
        "encoded_background": _png(made.background * 0.5 + 0.5),
        "encoded_parent_mask": _png(made.parent_mask),
        "encoded_parent": _png(made.parent * 0.5 + 0.5),
        "encoded_child_mask": _png(made.child_mask),
    }


def _png(images: tf.Tensor) -> tf.Tensor:
    """`[n, size, size, channels]` in [0, 1] -> `[n]` string."""
    levels = tf.cast(tf.round(tf.clip_by_value(images, 0.0, 1.0) * 255.0), tf.uint8)
    return tf.map_fn(tf.io.encode_png, levels, fn_output_signature=tf.TensorSpec([], tf.string))


def _seeds(numbers: tf.Tensor) -> tf.Tensor:
    """`[n]` int64 -> `[n, 2]` int64."""
    return tf.stack([numbers, tf.zeros_like(numbers)], axis=1)
