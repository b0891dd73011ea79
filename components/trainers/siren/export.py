"""The SavedModel of a fitted signal.

Signatures:

* `serving_default(coordinates float32 [n, axes]) -> {"values": [n, channels]}`, the network itself;
* `reconstruct(size int32) -> {"encoded": string}`: the signal at any resolution. `size` is
  (height, width) of a picture, answered with a PNG; (frames, height, width) of a film, answered
  with one PNG of all frames below each other; (samples) of a sound over the fitted span of time,
  answered with a 16-bit wav;
* `evaluate(examples string [batch]) -> {"prediction", "target": [batch, values], "shape": int64
  [batch, 3]}`: serialized records, and what the network shows in their place, both in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from components.trainers.siren import coordinates
from components.trainers.siren.experiment import POISSON_TASKS, SirenExperiment
from components.trainers.siren.point_parts import values_in_parts
from components.trainers.siren.reconstruction import RangeMatch
from components.trainers.siren.signals import Signal, reference
from components.transforms.siren import FRAME, SECOND, VALUES

# What a wav says when the signal does not tell its own rate.
DEFAULT_RATE = 44_100

TransformFn = Callable[[tf.Tensor], Mapping[str, Any]]


class ServedSignal(tf.Module):
    """A network and the functions it is served by.

    Args:
        model: The fitted network.
        experiment: What was fitted.
        signal: The signal it was fitted to.
        points_at_once: Largest number of points computed together.
        transform_fn: Serialized records `[batch]` -> `signal/values` and `signal/frame`, and
            `signal/second` for editing, as `components.transforms.siren` gives them.
    """

    def __init__(
        self,
        model: keras.Model,
        experiment: SirenExperiment,
        signal: Signal,
        points_at_once: int | None,
        transform_fn: TransformFn | None,
    ) -> None:
        super().__init__(name="siren")
        self.model = model
        self._experiment, self._signal = experiment, signal
        self._points_at_once, self._transform_fn = points_at_once, transform_fn
        self._range = None
        if experiment.task in POISSON_TASKS:
            fitted = self._values(coordinates.grid(signal.grid_shape))
            self._range = RangeMatch.between(fitted, tf.constant(reference(signal)))

    def serve(self, points: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """`serving_default`: values at coordinates."""
        return {"values": self.model(points)}

    def reconstruct(self, size: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """`reconstruct`: the encoded signal in a size."""
        if self._experiment.task == "audio":
            times = coordinates.audio_times(size[0], self._experiment.audio_extent)
            samples = tf.clip_by_value(self._values(times), -1.0, 1.0)
            # More samples over the same time are a higher rate, not a longer sound.
            share = tf.cast(size[0], tf.float64) / len(self._signal.values)
            rate = tf.cast(tf.round(share * (self._signal.rate or DEFAULT_RATE)), tf.int32)
            return {"encoded": tf.audio.encode_wav(samples, tf.maximum(rate, 1))}
        values = self._values(coordinates.grid(size))
        if self._range is not None:
            values = self._range(values)
        unit = tf.clip_by_value(values * 0.5 + 0.5, 0.0, 1.0)
        shape = [tf.reduce_prod(size[:-1]), size[-1], self._signal.channels]
        levels = tf.cast(tf.round(tf.reshape(unit, shape) * 255.0), tf.uint8)
        return {"encoded": tf.io.encode_png(levels)}

    def evaluate(self, examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """`evaluate`: prediction and target of serialized records."""
        features = self._transform_fn(examples) if self._transform_fn else {}
        if self._experiment.task == "audio":
            return self._evaluate_sounds(features[VALUES])
        return self._evaluate_pictures(features)

    def _evaluate_pictures(self, features: Mapping[str, tf.Tensor]) -> Mapping[str, tf.Tensor]:
        target = features[VALUES]
        if self._experiment.task == "poisson_editing":
            target = 0.5 * (target + features[SECOND])
        batch, (height, width, channels) = tf.shape(target)[0], target.shape[1:]
        flat_shape = [-1, height * width, channels]
        flat_target = tf.reshape(target, flat_shape)

        def one(inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            frame, truth = inputs
            values = self._values(self._picture_coordinates(frame, height, width))
            if self._range is not None:
                values = RangeMatch.between(values, truth)(values)
            return tf.reshape(values, [-1])

        length = height * width * channels
        prediction = tf.map_fn(
            one,
            (features[FRAME], flat_target),
            fn_output_signature=tf.TensorSpec([length], tf.float32),
            parallel_iterations=1,
        )
        return {
            "prediction": prediction,
            "target": tf.reshape(target, [-1, length]),
            "shape": tf.tile(tf.constant([[height, width, channels]], tf.int64), [batch, 1]),
        }

    def _evaluate_sounds(self, sounds: tf.RaggedTensor) -> Mapping[str, tf.Tensor]:
        target = sounds.to_tensor()
        lengths = tf.cast(sounds.row_lengths(), tf.int32)
        longest = tf.shape(target)[1]

        def one(length: tf.Tensor) -> tf.Tensor:
            times = coordinates.audio_times(length, self._experiment.audio_extent)
            return tf.pad(self._values(times)[:, 0], [[0, longest - length]])

        spec = tf.TensorSpec([None], tf.float32)
        prediction = tf.map_fn(one, lengths, fn_output_signature=spec, parallel_iterations=1)
        ones = tf.ones_like(lengths)
        shape = tf.cast(tf.stack([lengths, ones, ones], axis=1), tf.int64)
        return {"prediction": prediction, "target": target, "shape": shape}

    def _picture_coordinates(self, frame: tf.Tensor, height: int, width: int) -> tf.Tensor:
        """Coordinates of a picture, or of one frame `(index, count)` of a film."""
        if self._experiment.task != "video":
            return coordinates.grid((height, width))
        pixels = height * width
        shape = tf.stack([frame[1], tf.constant(height, tf.int64), tf.constant(width, tf.int64)])
        return coordinates.coordinates_of(
            frame[0] * pixels + tf.range(pixels, dtype=tf.int64), shape
        )

    def _values(self, points: tf.Tensor) -> tf.Tensor:
        return values_in_parts(self.model, points, self._signal.channels, self._points_at_once)


def export_siren(
    directory: str,
    *,
    model: keras.Model,
    experiment: SirenExperiment,
    signal: Signal,
    points_at_once: int | None = None,
    transform_fn: TransformFn | None = None,
) -> None:
    """Writes the SavedModel.

    Args:
        directory: Where to.
        model: The fitted network.
        experiment: What was fitted.
        signal: The signal it was fitted to.
        points_at_once: Largest number of points computed together; None takes all.
        transform_fn: Serialized records -> Transform's outputs; None leaves `evaluate` out.
    """
    served = ServedSignal(model, experiment, signal, points_at_once, transform_fn)
    axes = experiment.coordinate_axes
    points = tf.TensorSpec([None, axes], tf.float32, name="coordinates")
    signatures = {
        "serving_default": tf.function(served.serve, autograph=False).get_concrete_function(points),
        "reconstruct": tf.function(served.reconstruct, autograph=False).get_concrete_function(
            tf.TensorSpec([axes], tf.int32, name="size")
        ),
    }
    if transform_fn is not None:
        signatures["evaluate"] = tf.function(
            served.evaluate, autograph=False
        ).get_concrete_function(tf.TensorSpec([None], tf.string, name="examples"))
    tf.saved_model.save(served, directory, signatures=signatures)
