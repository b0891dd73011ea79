"""SIREN's Transform: encoded pictures and sounds become signals in [-1, 1].

There is no augmentation. The one random thing is the mask of an inpainting task without a mask
file: it is drawn once from the record's seed, as the authors draw it once, and only training uses
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from components.example_gens import signal_features as keys
from components.example_gens.record_source import AUGMENT_SEED
from components.example_gens.signal_config import SignalDataConfig, task_and_config
from components.transforms import augmentation_seeds, pictures

VALUES = "signal/values"
FRAME = "signal/frame"
SECOND = "signal/second"
MASK = "signal/mask"
RATE = "signal/rate"

MASK_PURPOSE = 1


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the signals of a batch; the entry point that TFX's Transform calls.

    Args:
        inputs: The record's features, batched (see `signal_features.py`).
        custom_config: `task` and the fields of `SignalDataConfig`.

    Returns:
        For pictures: `signal/values` `[batch, height, width, channels]` float32 in [-1, 1] and
        `signal/frame` `[batch, 2]` int64 (index, count); for Poisson editing also `signal/second`,
        as values; for inpainting also `signal/mask` `[batch, height, width, 1]` float32 in {0, 1}.
        For sounds: `signal/values` ragged `[batch, samples]` float32 in [-1, 1] and `signal/rate`
        `[batch, 1]` int64.
    """
    task, config = task_and_config(custom_config)
    if task == "audio":
        return {
            VALUES: _divided_by_peak(inputs[keys.AUDIO_SAMPLES]),
            RATE: tf.reshape(inputs[keys.AUDIO_RATE], [-1, 1]),
        }
    index, count = (
        tf.reshape(inputs[key], [-1, 1]) for key in (keys.FRAME_INDEX, keys.FRAME_COUNT)
    )
    outputs = {
        VALUES: _pictures(inputs[keys.IMAGE_ENCODED], config),
        FRAME: tf.concat([index, count], axis=1),
    }
    if task == "poisson_editing":
        outputs[SECOND] = _pictures(inputs[keys.SECOND_ENCODED], config)
    if task == "inpainting":
        outputs[MASK] = (
            _drawn_masks(inputs[AUGMENT_SEED], config)
            if config.mask is None
            else _given_masks(inputs[keys.MASK_ENCODED], config)
        )
    return outputs


# Each output has a map of its own: one map over several would be one loop in the graph, and serving
# could not drop the mask from it.


def _pictures(encoded: tf.Tensor, config: SignalDataConfig) -> tf.Tensor:
    """`[batch, 1]` encoded -> `[batch, height, width, channels]` float32 in [-1, 1]."""

    def one(content: tf.Tensor) -> tf.Tensor:
        image = pictures.to_channels(pictures.decode_rgb(content), config.channels)
        levels = pictures.crop_and_resize(image, config.height, config.width)
        return tf.ensure_shape(
            pictures.to_signed_unit(levels), [config.height, config.width, config.channels]
        )

    spec = tf.TensorSpec([config.height, config.width, config.channels], tf.float32)
    return tf.map_fn(one, tf.reshape(encoded, [-1]), fn_output_signature=spec)


def _drawn_masks(seeds: tf.Tensor, config: SignalDataConfig) -> tf.Tensor:
    """`[batch, 2]` seeds -> masks in which each pixel is known with the configured probability."""
    shape = [config.height, config.width, 1]

    def one(seed: tf.Tensor) -> tf.Tensor:
        drawn = augmentation_seeds.uniform(augmentation_seeds.fold_in(seed, MASK_PURPOSE), shape)
        return tf.cast(drawn < config.keep_probability, tf.float32)

    spec = tf.TensorSpec(shape, tf.float32)
    return tf.map_fn(one, tf.reshape(seeds, [-1, 2]), fn_output_signature=spec)


def _given_masks(encoded: tf.Tensor, config: SignalDataConfig) -> tf.Tensor:
    """`[batch, 1]` encoded masks -> the same crop as the pictures get, nearest pixel."""

    def one(content: tf.Tensor) -> tf.Tensor:
        mask = pictures.to_channels(pictures.decode_rgb(content), 1)
        return pictures.crop_and_resize_mask(mask, config.height, config.width)

    spec = tf.TensorSpec([config.height, config.width, 1], tf.float32)
    return tf.map_fn(one, tf.reshape(encoded, [-1]), fn_output_signature=spec)


def _divided_by_peak(samples: tf.RaggedTensor) -> tf.RaggedTensor:
    """Divides each sound by its peak (dataio.AudioFile); silence was refused before."""
    peaks = tf.reduce_max(tf.abs(samples), axis=1)
    scaled = samples.flat_values / tf.gather(peaks, samples.value_rowids())
    return samples.with_flat_values(scaled)
