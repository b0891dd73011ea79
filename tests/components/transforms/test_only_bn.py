"""Only-BN's preprocessing_fn against numpy and Pillow, and what its random choices depend on."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.errors import ConfigError
from components.example_gens import labelled_image_features as keys
from components.example_gens.record_source import AUGMENT_SEED, augment_seed
from components.transforms import only_bn
from components.transforms.augmentation_seeds import epoch_seed

IMAGENET = {
    "dataset": "imagenet",
    "image_size": 24,
    "resize_shorter_side": 28,
    "augmentation": "random_resized_crop",
}
COUNT = 24


def noise(height=32, width=32, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def photograph(height, width) -> np.ndarray:
    """Smooth, with edges."""
    rows, columns = np.mgrid[0:height, 0:width] / 20.0
    waves = 127 + 60 * np.sin(rows * columns) + 50 * np.sign(np.sin(3 * columns))
    return np.clip(waves[..., None] + [0, 20, -20], 0, 255).astype(np.uint8)


def png(levels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="PNG")
    return buffer.getvalue()


def batch(images, epoch=None, run_seed=0) -> dict[str, tf.Tensor]:
    seeds = tf.constant([augment_seed(f"{n}.png") for n in range(len(images))], tf.int64)
    return {
        keys.IMAGE_ENCODED: tf.constant([[png(image)] for image in images]),
        keys.CLASS_LABEL: tf.constant([[n % 10] for n in range(len(images))], tf.int64),
        AUGMENT_SEED: seeds if epoch is None else epoch_seed(seeds, run_seed, epoch),
    }


@pytest.fixture(scope="module", autouse=True)
def drop_graphs():
    """TensorFlow complains about functions that outlive it."""
    yield
    graph_of.cache_clear()


@functools.cache
def graph_of(**settings):
    """The function as a graph, in which Transform runs it; traced once for all batch sizes."""
    return tf.function(
        lambda inputs: only_bn.preprocessing_fn(inputs, settings),
        input_signature=[
            {
                keys.IMAGE_ENCODED: tf.TensorSpec([None, 1], tf.string),
                keys.CLASS_LABEL: tf.TensorSpec([None, 1], tf.int64),
                AUGMENT_SEED: tf.TensorSpec([None, 2], tf.int64),
            }
        ],
    )


def transform(features, **settings):
    return {name: value.numpy() for name, value in graph_of(**settings)(features).items()}


def normalised(levels: np.ndarray) -> np.ndarray:
    """The authors' `ToTensor` and `Normalize`, in float32."""
    unit = levels.astype(np.float32) / np.float32(255)
    return (unit - np.float32(only_bn.MEAN)) / np.float32(only_bn.STANDARD_DEVIATION)


def test_evaluation_input_equals_numpy_to_the_bit():
    images = [noise(seed=n) for n in range(4)]
    outputs = transform(batch(images))
    np.testing.assert_array_equal(outputs[only_bn.IMAGE], normalised(np.stack(images)))
    np.testing.assert_array_equal(outputs[only_bn.LABEL], [0, 1, 2, 3])
    assert outputs[only_bn.IMAGE].dtype == np.float32


@pytest.mark.parametrize("size", [(40, 60), (61, 40), (28, 28), (20, 33)])
def test_imagenet_evaluation_equals_pillows(size):
    image = photograph(*size)
    found = transform(batch([image]), **IMAGENET)[only_bn.IMAGE][0]
    height, width = size
    shorter = min(size)
    resized = Image.fromarray(image).resize(
        (width * 28 // shorter, height * 28 // shorter), Image.Resampling.BILINEAR
    )
    top, left = round((resized.height - 24) / 2), round((resized.width - 24) / 2)
    expected = np.asarray(resized.crop((left, top, left + 24, top + 24)))
    levels = found * np.float32(only_bn.STANDARD_DEVIATION) + np.float32(only_bn.MEAN)
    difference = np.abs(levels * 255 - expected)
    # Pillow rounds between its two passes; a crop off by one pixel differs by 5 levels or more.
    assert difference.max() <= 1.01
    assert difference.mean() < 0.25


@pytest.mark.parametrize("settings", [{}, IMAGENET], ids=["cifar", "imagenet"])
@pytest.mark.parametrize("batch_size", [1, 5, COUNT])
def test_batch_size_does_not_change_the_pixels(settings, batch_size):
    features = batch([noise(seed=n) for n in range(COUNT)], epoch=3)
    whole = transform(features, **settings)
    parts = [
        transform({key: value[i : i + batch_size] for key, value in features.items()}, **settings)
        for i in range(0, COUNT, batch_size)
    ]
    for name, value in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), value)


@pytest.mark.parametrize("settings", [{}, IMAGENET], ids=["cifar", "imagenet"])
def test_another_epoch_or_run_augments_otherwise_and_evaluates_the_same(settings):
    images = [noise(seed=n) for n in range(COUNT)]
    one = transform(batch(images, epoch=1), **settings)
    again = transform(batch(images, epoch=1), **settings)
    np.testing.assert_array_equal(one[only_bn.AUGMENTED_IMAGE], again[only_bn.AUGMENTED_IMAGE])
    for features in (batch(images, epoch=2), batch(images, epoch=1, run_seed=7)):
        other = transform(features, **settings)
        np.testing.assert_array_equal(other[only_bn.IMAGE], one[only_bn.IMAGE])
        same = [
            np.array_equal(a, b)
            for a, b in zip(
                other[only_bn.AUGMENTED_IMAGE], one[only_bn.AUGMENTED_IMAGE], strict=True
            )
        ]
        # 162 views of a CIFAR picture are equally likely.
        assert sum(same) <= 3


def test_graph_and_eager_mode_give_the_same_bits():
    features = batch([noise(seed=n) for n in range(3)], epoch=0)
    eager = only_bn.preprocessing_fn(features, {})
    for name, value in transform(features).items():
        np.testing.assert_array_equal(value, eager[name])


@pytest.mark.parametrize("settings", [{}, IMAGENET], ids=["cifar", "imagenet"])
def test_evaluation_input_needs_no_seed(settings):
    """Serving prunes the graph to `image` and does not parse `augment/seed`."""
    features = batch([noise(seed=n) for n in range(3)])
    names = sorted(features)
    whole = tf.compat.v1.wrap_function(
        lambda *given: only_bn.preprocessing_fn(dict(zip(names, given, strict=True)), settings),
        [tf.TensorSpec([None, *features[name].shape[1:]], features[name].dtype) for name in names],
    )
    fed = whole.inputs[names.index(keys.IMAGE_ENCODED)]
    pruned = whole.prune([fed], whole.structured_outputs[only_bn.IMAGE])
    np.testing.assert_array_equal(
        pruned(features[keys.IMAGE_ENCODED]), transform(features, **settings)[only_bn.IMAGE]
    )
    used = {node.op for node in pruned.graph.as_graph_def().node}
    assert not [op for op in used if "Random" in op]
    with pytest.raises(Exception, match=r"depends transitively on placeholder"):
        whole.prune([fed], whole.structured_outputs[only_bn.AUGMENTED_IMAGE])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (4, 4), (8, 3)])
def test_flip_then_zero_padding_and_crop_equal_numpy(mirrored, top, left):
    image = noise()
    flipped = only_bn.flipped(image[None], tf.constant([0.49 if mirrored else 0.5]))
    drawn = tf.constant([[(top + 0.5) / 9, (left + 0.5) / 9]])
    found = only_bn.translated(flipped, drawn, 4).numpy()[0]
    turned = image[:, ::-1] if mirrored else image
    padded = np.pad(turned, [(4, 4), (4, 4), (0, 0)])
    np.testing.assert_array_equal(found, padded[top : top + 32, left : left + 32])


def test_translation_alone_mirrors_nothing():
    images = [noise(seed=n) for n in range(COUNT)]
    whole = transform(batch(images, epoch=1), padding=0)[only_bn.AUGMENTED_IMAGE]
    alone = transform(batch(images, epoch=1), padding=0, augmentation="translate")
    expected = normalised(np.stack(images))
    np.testing.assert_array_equal(alone[only_bn.AUGMENTED_IMAGE], expected)
    assert not np.array_equal(whole, expected)


def test_augmented_view_is_black_where_the_picture_moved_away():
    white = np.full((32, 32, 3), 255, np.uint8)
    views = transform(batch([white] * COUNT, epoch=0))[only_bn.AUGMENTED_IMAGE]
    values = np.unique(views.reshape(-1, 3), axis=0)
    expected = normalised(np.array([[[0, 0, 0]], [[255, 255, 255]]], np.uint8))[:, 0]
    np.testing.assert_array_equal(values, expected)


def test_every_position_and_both_sides_are_drawn_alike():
    seeds = tf.constant([augment_seed(str(n)) for n in range(3000)], tf.int64)
    draw = tf.function(lambda seeds: only_bn.draws(seeds, only_bn.FLIP_AND_TRANSLATE_PURPOSE, 3))
    drawn = draw(seeds).numpy()
    assert abs((drawn[:, 0] < 0.5).mean() - 0.5) < 0.04
    for axis in (1, 2):
        counts = np.bincount((drawn[:, axis] * 9).astype(int), minlength=9)
        # Chi-squared with 8 degrees of freedom; 26.1 is its 99.9 % point.
        assert ((counts - 3000 / 9) ** 2 / (3000 / 9)).sum() < 26.1


@pytest.mark.parametrize("size", [(300, 500), (40, 30), (500, 20), (3, 3)])
def test_windows_lie_inside_and_keep_area_and_aspect(size):
    rows, columns = size
    for seed in range(40):
        drawn = np.random.default_rng(seed).random((only_bn.CROP_ATTEMPTS, 4), np.float32)
        top, left, height, width = only_bn.crop_window(
            tf.constant(rows), tf.constant(columns), tf.constant(drawn), 0.1, 1.25
        ).numpy()
        assert 0 <= top <= top + height <= rows
        assert 0 <= left <= left + width <= columns
        # Rounding moves either side by half a pixel.
        assert (width - 0.5) / (height + 0.5) <= 1.25
        assert (height - 0.5) / (width + 0.5) <= 1.25
        if size != (500, 20):
            assert (height + 0.5) * (width + 0.5) >= 0.1 * rows * columns


def test_window_falls_back_to_the_centre_as_torchvision_does():
    drawn = tf.ones([only_bn.CROP_ATTEMPTS, 4]) * 0.99
    window = only_bn.crop_window(tf.constant(500), tf.constant(20), drawn, 0.1, 1.25)
    np.testing.assert_array_equal(window.numpy(), [(500 - 25) // 2, 0, 25, 20])


def test_first_window_that_fits_is_taken():
    drawn = np.full((only_bn.CROP_ATTEMPTS, 4), 0.5, np.float32)
    drawn[0] = [0.999, 0.999, 0.0, 0.0]  # wider than a square picture
    drawn[1] = [0.0, 0.5, 0.0, 0.999]
    window = only_bn.crop_window(
        tf.constant(100), tf.constant(100), tf.constant(drawn), 0.25, 1.25
    ).numpy()
    np.testing.assert_array_equal(window, [0, 50, 50, 50])


def test_no_augmentation_gives_the_evaluation_input():
    outputs = transform(batch([noise()], epoch=1), augmentation="none")
    np.testing.assert_array_equal(outputs[only_bn.AUGMENTED_IMAGE], outputs[only_bn.IMAGE])


def test_gray_pictures_become_three_equal_channels():
    gray = noise(64, 64)[..., 0]
    settings = {"dataset": "tiny_imagenet", "image_size": 64}
    found = transform(batch([gray]), **settings)[only_bn.IMAGE][0]
    np.testing.assert_array_equal(found, normalised(gray[..., None].repeat(3, axis=2)))


@pytest.mark.parametrize(
    "settings",
    [
        {"augmentation": "mixup"},
        {"dataset": "mnist"},
        {"image_size": 64, "resize_shorter_side": 32},
        {"padding": -1},
        {"crop_min_scale": 0.0},
        {"crop_max_ratio": 0.9},
        {"max_rejected_share": 2.0},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match=r"data\."):
        only_bn.preprocessing_fn({}, settings)
