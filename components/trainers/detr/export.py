"""The SavedModel of a detector, with or without masks.

Every image is processed by itself, without padding: what is found in it depends on it alone. Boxes
are (left, top, right, bottom) in pixels of the image as it came. Signatures:

* `serving_default(images string [n])`, encoded images -> `boxes_xyxy` float32 `[n, queries, 4]`,
  `labels` int64 `[n, queries]` (category ids), `scores` float32 `[n, queries]` in [0, 1];
* `attention(images string [n])` -> the same, and `attention` float32 `[n, queries, height, width]`:
  where each query looks in the last decoder layer, the mean over the heads; a map sums to 1;
* with masks, `panoptic(images string [n])` -> `panoptic_png` string `[n]`, a PNG whose pixels are
  segment ids (R + 256 G + 65536 B), and its segments: `segment_ids`, `segment_categories`,
  `segment_areas` int64 `[n, segments]` and `segment_scores` float32;
* `evaluate(examples string [n])`, serialized records -> what `serving_default` gives, `image_id`
  int64 `[n]`, `original_size` int64 `[n, 2]`, and every output of Transform that begins with
  `target_`; with masks, what `panoptic` gives too, and the masks of all queries as runs of pixels,
  column by column: `mask_run_lengths` int64 `[n, lengths]`, `mask_num_runs` int64 `[n, queries]`.

What differs in size from image to image is padded with -1. The attribute `weights` holds all
variables under the authors' names (`weight_files.read_weights`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from components.trainers.detr.model import Detr
from components.trainers.detr.reference_weights import variables_by_reference_name
from components.trainers.detr.serving import ImageDetector
from components.transforms.detr_features import IMAGE, IMAGE_ID, IMAGE_SIZE, ORIGINAL_SIZE

# Encoded images, or serialized records, `[n]` -> Transform's outputs.
ImagesFn = Callable[[tf.Tensor], Mapping[str, Any]]
TransformFn = ImagesFn
Outputs = dict[str, tf.Tensor]

TARGET = "target_"
PADDING = -1


class ServedDetector(tf.Module):
    """A network and the functions it is served by.

    Args:
        model: In float32.
        images_fn: Encoded images -> `image`, `image_size` and `original_size`.
        transform_fn: Serialized records -> these, `image_id`, and the targets; or None.
    """

    def __init__(
        self, model: Detr, images_fn: ImagesFn, transform_fn: TransformFn | None = None
    ) -> None:
        super().__init__(name="detr")
        self.model = model
        self.weights = {
            name: getattr(variable, "value", variable)
            for name, variable in variables_by_reference_name(model).items()
        }
        self._detector = ImageDetector(model)
        self._images_fn, self._transform_fn = images_fn, transform_fn

    def serve(self, images: tf.Tensor) -> Outputs:
        """`serving_default`: boxes."""
        return self._of_each(self._detector.boxes, self._images_fn(images))

    def attention(self, images: tf.Tensor) -> Outputs:
        """`attention`: boxes, and where their queries look."""
        return self._of_each(self._detector.attention, self._images_fn(images))

    def panoptic(self, images: tf.Tensor) -> Outputs:
        """`panoptic`: segments."""
        return self._of_each(self._detector.panoptic, self._images_fn(images))

    def evaluate(self, examples: tf.Tensor) -> Outputs:
        """`evaluate`: what metrics need of serialized records."""
        features = self._transform_fn(examples) if self._transform_fn else {}
        outputs = self._of_each(self._detector.everything, features)
        targets = {name: _dense(one) for name, one in features.items() if name.startswith(TARGET)}
        known = {
            IMAGE_ID: tf.reshape(features[IMAGE_ID], [-1]),
            ORIGINAL_SIZE: features[ORIGINAL_SIZE],
        }
        return {**outputs, **known, **targets}

    def _of_each(self, function: Any, features: Mapping[str, Any]) -> Outputs:
        """Applies a function of one image to all, one after the other."""
        inputs = [features[name] for name in (IMAGE, IMAGE_SIZE, ORIGINAL_SIZE)]

        def of_one(one: list[tf.Tensor]) -> Outputs:
            image, size, original_size = one
            outputs: Outputs = function(image[: size[0], : size[1]], original_size)
            return outputs

        specs = self._detector.specs(function)
        # One at a time, or memory would hold the features of ten.
        results = tf.map_fn(of_one, inputs, fn_output_signature=specs, parallel_iterations=1)
        return {name: _dense(one) for name, one in results.items()}


def export_detr(
    directory: str,
    *,
    model: Detr,
    images_fn: ImagesFn,
    transform_fn: TransformFn | None = None,
) -> None:
    """Writes the SavedModel.

    Args:
        directory: Where to.
        model: In float32.
        images_fn: Encoded images -> Transform's outputs for them.
        transform_fn: Serialized records -> Transform's outputs; None leaves `evaluate` out.
    """
    served = ServedDetector(model, images_fn, transform_fn)

    def signature(function: Callable[[tf.Tensor], Outputs], name: str) -> Any:
        spec = tf.TensorSpec([None], tf.string, name)
        return tf.function(function, autograph=False).get_concrete_function(spec)

    signatures = {
        "serving_default": signature(served.serve, "images"),
        "attention": signature(served.attention, "images"),
    }
    if model.mask_head is not None:
        signatures["panoptic"] = signature(served.panoptic, "images")
    if transform_fn is not None:
        signatures["evaluate"] = signature(served.evaluate, "examples")
    tf.saved_model.save(served, directory, signatures=signatures)


def _dense(values: Any) -> tf.Tensor:
    """A ragged tensor with padding: -1, or an empty text."""
    if not isinstance(values, tf.RaggedTensor):
        return values
    if values.dtype == tf.string:
        return values.to_tensor("")
    return values.to_tensor(tf.cast(PADDING, values.dtype))
