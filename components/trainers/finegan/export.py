"""The SavedModel of a generator.

Signatures; every picture is a PNG, and a row's pictures depend on that row alone:

* `serving_default` and `generate(z float32 [n, noise_size], background, parent, child int64 [n])
  -> {"encoded", "encoded_background", "encoded_parent_mask", "encoded_parent",
  "encoded_child_mask": string [n]}`: the codes need not belong together; `encoded` is the child's
  picture, the final one;
* `generate_class(child int64 [n], seed int64 [n])` -> the same, with the background and the parent
  that belong to the child, and noise that depends on the seed alone;
* `evaluate(examples string [n])`: serialized records -> `real_image` float32 `[n, size, size, 3]`
  in [-1, 1], the record's deterministic crop, and its `label`; `cluster` int64 `[n]`, the child's
  code that the child's discriminator reads out of it; `fake_image` float32
  `[n, images, size, size, 3]`, the pictures that are made for the record, and `child_code` int64
  `[n, images]`, what they are made of, -1 where there is none. See `evaluated_records.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.trainers.finegan.discriminators import CodeDiscriminator
from components.trainers.finegan.draws import Purpose, draw_noise, one_hot_codes, tied_codes
from components.trainers.finegan.evaluated_records import EvaluatedRecords
from components.trainers.finegan.generator import Generator, Stages
from components.transforms.augmentation_seeds import fold_in
from components.transforms.finegan import EXAMPLE_KEY, LABEL, OBJECT_VIEW

Outputs = Mapping[str, tf.Tensor]

REAL_IMAGE = "real_image"
FAKE_IMAGE = "fake_image"
CHILD_CODE = "child_code"
CLUSTER = "cluster"


class ServedGenerator(tf.Module):
    """A generator and the functions it is served by.

    Args:
        generator: In float32.
        discriminator: The child's, in float32; None without `records`.
        records: What `evaluate` is asked about.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: CodeDiscriminator | None = None,
        records: EvaluatedRecords | None = None,
    ) -> None:
        super().__init__(name="finegan")
        self.generator, self.discriminator = generator, discriminator
        self._records = records

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
        """`evaluate`: a record's picture, and those that are made for it."""
        reader = self.discriminator
        if self._records is None or reader is None:
            raise TypeError("evaluate needs records and a discriminator")
        features = self._records.transform_fn(examples)
        views = features[OBJECT_VIEW]
        numbers = self._records.image_numbers(features[EXAMPLE_KEY])
        children = self._records.children(numbers)
        # A record at a time, so that memory does not grow with the batch that Beam has chosen.
        made, clusters = tf.map_fn(
            lambda record: self._evaluate_record(reader, *record),
            (views, numbers, children),
            fn_output_signature=(
                tf.TensorSpec([self._records.images_per_record, *views.shape[1:]], tf.float32),
                tf.TensorSpec([], tf.int64),
            ),
        )
        return {
            REAL_IMAGE: views,
            LABEL: features[LABEL],
            FAKE_IMAGE: made,
            CHILD_CODE: children,
            CLUSTER: clusters,
        }

    def _evaluate_record(
        self, reader: CodeDiscriminator, view: tf.Tensor, numbers: tf.Tensor, children: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # Where there is no picture to make, one is made all the same, and not counted.
        codes = tied_codes(tf.maximum(children, 0), self.generator.config)
        made = self.generator(self._noise(_seeds(numbers)), codes, training=False)
        logits, _ = reader(view[tf.newaxis], training=False)
        return made.child, tf.argmax(logits[0])

    def _noise(self, seeds: tf.Tensor) -> tf.Tensor:
        """`[n, 2]` int64 -> `[n, noise_size]`, each row a function of its seed."""
        config = self.generator.config
        return tf.map_fn(
            lambda seed: draw_noise(fold_in(seed, Purpose.SERVED_NOISE), 1, config)[0],
            seeds,
            fn_output_signature=tf.TensorSpec([config.noise_size], tf.float32),
        )


def export_finegan(
    directory: str,
    generator: Generator,
    discriminator: CodeDiscriminator | None = None,
    records: EvaluatedRecords | None = None,
) -> None:
    """Writes the SavedModel.

    Args:
        directory: Where to.
        generator: In float32.
        discriminator: The child's, in float32; None without `records`.
        records: What `evaluate` is asked about; None leaves that signature out.
    """
    served = ServedGenerator(generator, discriminator, records)
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
    if records is not None:
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
