"""SIREN's preprocessing_fn, called as the graph calls it but eagerly."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.example_gens import signal_features as keys
from components.example_gens.record_source import AUGMENT_SEED, augment_seed
from components.transforms import siren


def png(levels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels.astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def picture(height, width, value=None) -> np.ndarray:
    if value is not None:
        return np.full((height, width, 3), value)
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3))


def batch(*images: np.ndarray, **more) -> dict[str, tf.Tensor]:
    count = len(images)
    return {
        keys.IMAGE_ENCODED: tf.constant([[png(image)] for image in images]),
        keys.FRAME_INDEX: tf.constant([[index] for index in range(count)], tf.int64),
        keys.FRAME_COUNT: tf.constant([[count]] * count, tf.int64),
        AUGMENT_SEED: tf.constant([augment_seed(str(index)) for index in range(count)], tf.int64),
        **more,
    }


def settings(task, **more):
    return {"task": task, "height": 8, "width": 8, "channels": 3, **more}


def test_pictures_of_any_size_become_signals_of_one():
    outputs = siren.preprocessing_fn(batch(picture(8, 8), picture(20, 30)), settings("image"))
    assert set(outputs) == {siren.VALUES, siren.FRAME}
    values = outputs[siren.VALUES].numpy()
    assert values.shape == (2, 8, 8, 3)
    assert values.dtype == np.float32
    expected = (picture(8, 8) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(values[0], expected, atol=1e-6)
    np.testing.assert_array_equal(outputs[siren.FRAME].numpy(), [[0, 2], [1, 2]])


@pytest.mark.parametrize(("level", "value"), [(0, -1.0), (255, 1.0)])
def test_black_and_white_are_the_ends_of_the_range(level, value):
    outputs = siren.preprocessing_fn(
        batch(picture(9, 13, level)), settings("poisson_gradient", channels=1)
    )
    np.testing.assert_array_equal(outputs[siren.VALUES].numpy(), np.full((1, 8, 8, 1), value))


def test_editing_gives_the_second_picture_too():
    second = tf.constant([[png(picture(16, 16, 255))]])
    inputs = batch(picture(8, 8, 0), **{keys.SECOND_ENCODED: second})
    outputs = siren.preprocessing_fn(inputs, settings("poisson_editing"))
    assert np.all(outputs[siren.VALUES].numpy() == -1.0)
    assert np.all(outputs[siren.SECOND].numpy() == 1.0)


def drawn_masks(count, **more):
    inputs = batch(*[picture(8, 8)] * count)
    config = settings("inpainting", height=64, width=48, **more)
    return siren.preprocessing_fn(inputs, config)[siren.MASK].numpy()


def test_drawn_mask_keeps_the_share_of_pixels():
    mask = drawn_masks(1, keep_probability=0.1)
    assert mask.shape == (1, 64, 48, 1)
    assert set(np.unique(mask)) == {0.0, 1.0}
    # Four standard deviations of the mean of 3072 draws.
    assert abs(mask.mean() - 0.1) < 4 * (0.1 * 0.9 / mask.size) ** 0.5


def test_drawn_mask_depends_on_the_record_alone():
    masks = drawn_masks(3)
    np.testing.assert_array_equal(drawn_masks(1)[0], masks[0])
    assert not np.array_equal(masks[0], masks[1])


def test_all_pixels_may_be_kept():
    assert drawn_masks(1, keep_probability=1.0).min() == 1.0


def test_given_mask_gets_the_crop_of_the_picture():
    levels = np.zeros((8, 16))
    levels[:, 4:8] = 255
    mask = tf.constant([[png(levels)]])
    inputs = batch(picture(8, 16), **{keys.MASK_ENCODED: mask})
    outputs = siren.preprocessing_fn(inputs, settings("inpainting", mask="mask.png"))
    expected = np.tile([1.0] * 4 + [0.0] * 4, (8, 1))
    np.testing.assert_array_equal(outputs[siren.MASK].numpy()[0, ..., 0], expected)


def test_sounds_are_divided_by_their_own_peak():
    inputs = {
        keys.AUDIO_SAMPLES: tf.ragged.constant([[1.0, -4.0, 2.0], [0.5, 0.25]]),
        keys.AUDIO_RATE: tf.constant([[8000], [44100]], tf.int64),
    }
    outputs = siren.preprocessing_fn(inputs, settings("audio"))
    assert outputs[siren.VALUES].to_list() == [[0.25, -1.0, 0.5], [1.0, 0.5]]
    assert outputs[siren.RATE].numpy().tolist() == [[8000], [44100]]
