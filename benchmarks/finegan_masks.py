"""Whether a generator's masks lie on the objects of its pictures, by a judge of its own.

python benchmarks/finegan_masks.py MODEL DATA_ROOT [--steps 600]

MODEL is the SavedModel of a FineGAN run, DATA_ROOT the data set it was trained on. The judge is a
small convolutional network that learns to find the object in real pictures: from the true masks
where the data set has them (`segmentations/`, as generated sets do), else from the boxes. It never
sees the generator. Then it looks at generated pictures, and what it finds is compared with the
parent's mask that they were made with, which gives the object its shape.

Told are the intersection over union with masks as they are, or, where the judge knows boxes alone,
of the boxes about both; the judge's own on real pictures that it did not learn from, which is the
most that can be expected; and that of each picture with the mask of another, which is what masks
would have that know nothing of their own picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from components.example_gens.cub_source import CubSource
from components.transforms.finegan import evaluation_views
from components.transforms.pictures import to_signed_unit

SETTINGS = {"dataset": "cub", "subset": True, "fine_classes": 1, "super_classes": 1}
GENERATED = 400
BATCH = 32


def main() -> None:
    """Trains the judge, asks it, and prints."""
    arguments = _parse_arguments()
    model = tf.saved_model.load(arguments.model)
    views, masks, has_masks = _real(arguments.data_root, _side(model))
    # Every fourth picture is kept from the judge.
    held = np.arange(len(views)) % 4 == 0
    judge = _judge(views[~held], masks[~held], arguments.steps)
    pictures, own = _generated(model, arguments.children)
    print(f"the judge learned from {'true masks' if has_masks else 'boxes'}")
    for name, of, with_ in (
        ("judge on real pictures", views[held], masks[held]),
        ("generated pictures", pictures, own),
        ("with another's mask", pictures, np.roll(own, 1, axis=0)),
    ):
        found = judge.predict(of, batch_size=BATCH, verbose=0)[..., 0] > 0.5
        ratios = _intersection_over_union(found, with_, boxes=not has_masks)
        quartiles = np.percentile(ratios, (25, 50, 75))
        print(
            f"{name:24} IoU mean {ratios.mean():.3f}, median {quartiles[1]:.3f} "
            f"[{quartiles[0]:.3f}, {quartiles[2]:.3f}] of {len(ratios)}"
        )
    print(
        f"a mask covers {own.mean():.3f} of a generated picture, {masks.mean():.3f} of a real one"
    )


def _real(data_root: str, side: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Object views `[images, side, side, 3]` in [-1, 1], masks `[images, side, side]` bool."""
    source = CubSource.from_settings(data_root, SETTINGS)
    folder = Path(data_root) / "segmentations"
    views, masks = [], []
    for image in source.references("train"):
        record = source.read(image).features
        encoded = record["image/encoded"]
        box = tf.constant(record["image/object/bbox_xywh"], tf.float32)
        views.append(to_signed_unit(evaluation_views(tf.constant(encoded), box, side)[0]))
        if folder.is_dir():
            path = folder / Path(image.path).relative_to("images").with_suffix(".png")
            drawn = tf.io.decode_png(path.read_bytes(), channels=3)
        else:
            drawn = _box_as_mask(tf.io.decode_jpeg(encoded).shape[:2], record)
        # The mask goes through the picture's own crop, as a picture.
        mask = evaluation_views(tf.io.encode_png(drawn), box, side)[0]
        masks.append(mask.numpy()[..., 0] >= 128)
    return np.stack(views), np.stack(masks), folder.is_dir()


def _box_as_mask(shape: tuple[int, int], record: dict) -> tf.Tensor:
    left, top, width, height = (round(float(one)) for one in record["image/object/bbox_xywh"])
    drawn = np.zeros((*shape, 3), np.uint8)
    drawn[top : top + height, left : left + width] = 255
    return tf.constant(drawn)


def _judge(views: np.ndarray, masks: np.ndarray, steps: int) -> keras.Model:
    """A network with a short and a wide view of each pixel."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(views.shape[1:])
    layers, skips = inputs, []
    for channels in (16, 32, 64):
        layers = keras.layers.Conv2D(channels, 3, padding="same", activation="relu")(layers)
        layers = keras.layers.Conv2D(channels, 3, padding="same", activation="relu")(layers)
        skips.append(layers)
        layers = keras.layers.MaxPool2D()(layers)
    for channels, skip in zip((64, 32, 16), reversed(skips), strict=True):
        layers = keras.layers.UpSampling2D()(layers)
        layers = keras.layers.Concatenate()([layers, skip])
        layers = keras.layers.Conv2D(channels, 3, padding="same", activation="relu")(layers)
    outputs = keras.layers.Conv2D(1, 1, activation="sigmoid")(layers)
    judge = keras.Model(inputs, outputs)
    judge.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
    batches = tf.data.Dataset.from_tensor_slices((views, masks[..., None].astype(np.float32)))
    batches = batches.shuffle(len(views), seed=0).repeat().batch(BATCH)
    judge.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0)
    return judge


def _generated(model: tf.Module, children: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures as the judge sees real ones, and their parents' masks."""
    serve = model.signatures["generate_class"]
    pictures, masks = [], []
    for start in range(0, GENERATED, BATCH):
        seeds = np.arange(start, min(start + BATCH, GENERATED), dtype=np.int64)
        made = serve(child=tf.constant(seeds % children), seed=tf.constant(seeds))
        picture, mask = (
            np.stack([tf.io.decode_png(one).numpy() for one in made[name]])
            for name in ("encoded", "encoded_parent_mask")
        )
        pictures.append(picture.astype(np.float32) / 127.5 - 1.0)
        masks.append(mask[..., 0] >= 128)
    return np.concatenate(pictures), np.concatenate(masks)


def _intersection_over_union(first: np.ndarray, second: np.ndarray, *, boxes: bool) -> np.ndarray:
    """`[images]` of masks `[images, side, side]`; of the boxes about them if asked."""
    if boxes:
        first, second = _boxes(first), _boxes(second)
    both = (first & second).sum(axis=(1, 2))
    either = (first | second).sum(axis=(1, 2))
    return both / np.maximum(either, 1)


def _boxes(masks: np.ndarray) -> np.ndarray:
    """The boxes about masks, as masks: what lies between the 2nd and the 98th percentile."""
    boxes = np.zeros_like(masks)
    for box, mask in zip(boxes, masks, strict=True):
        rows, columns = np.nonzero(mask)
        if len(rows):
            top, bottom = np.percentile(rows, (2, 98)).astype(int)
            left, right = np.percentile(columns, (2, 98)).astype(int)
            box[top : bottom + 1, left : right + 1] = True
    return boxes


def _side(model: tf.Module) -> int:
    """Pixels of the generator's pictures."""
    made = model.signatures["generate_class"](
        child=tf.zeros([1], tf.int64), seed=tf.zeros([1], tf.int64)
    )
    return int(tf.io.decode_png(made["encoded"][0]).shape[0])


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data_root")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--children", type=int, default=20, help="the generator's child codes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
