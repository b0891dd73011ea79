from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny_detr import padded_images, tiny_network

from components.trainers.detr.dropout import Dropout
from components.trainers.detr.model import build_model
from components.trainers.detr.padding import valid_pixels
from components.trainers.detr.position_encoding import sine_encoding


def test_the_last_feature_of_each_image_is_at_two_pi() -> None:
    valid = np.zeros((2, 4, 6), bool)
    valid[0], valid[1, :2, :3] = True, True
    encoding = np.asarray(sine_encoding(tf.constant(valid), 8))
    ends = encoding[0, 3, 5], encoding[1, 1, 2]
    # sin and cos of 2 pi for y, then for x; the other frequency is a hundredth.
    for end in ends:
        slow = [np.sin(2 * np.pi / 100), np.cos(2 * np.pi / 100)]
        np.testing.assert_allclose(end, [0, 1, *slow] * 2, atol=1e-5)


def test_learned_encodings_tell_columns_first() -> None:
    model = build_model(tiny_network(positions="learned"))
    encoding = np.asarray(model.positions(tf.ones([1, 3, 2], tf.bool)))
    np.testing.assert_array_equal(encoding[0, 2, 1, :8], model.positions.columns[1])
    np.testing.assert_array_equal(encoding[0, 2, 1, 8:], model.positions.rows[2])


def test_learned_encodings_refuse_larger_features() -> None:
    model = build_model(tiny_network(positions="learned"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="network"):
        model.positions(tf.ones([1, 51, 2], tf.bool))


@pytest.mark.parametrize("height", [1, 31, 32, 33, 64, 65])
def test_a_feature_is_padding_where_its_first_pixel_is(height: int) -> None:
    valid = valid_pixels(tf.constant([[height, 40]]), (70, 40), (3, 2))
    # PyTorch takes pixel floor(row * 70 / 3): 0, 23, 46.
    assert np.asarray(valid)[0, :, 0].tolist() == [place < height for place in (0, 23, 46)]


def test_the_transformer_does_not_see_padding() -> None:
    model = build_model(tiny_network())
    found = model(*padded_images([(64, 64), (32, 64)]))
    queries, none = tf.convert_to_tensor(model.queries), Dropout(0.1, None)

    def states(features: tf.Tensor, positions: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
        tokens, places = (tf.reshape(one, [2, -1, 16]) for one in (features, positions))
        inside = tf.reshape(valid, [2, -1])
        memory = model.transformer.encode(tokens, places, inside, none)
        return tf.stack(model.transformer.decode(queries, memory, places, inside, none)[0])

    around = [[0, 0], [0, 2], [0, 1], [0, 0]]
    padded = states(
        tf.pad(found.projected, around, constant_values=9.0),
        tf.pad(found.positions, around),
        tf.pad(found.valid, around[:3]),
    )
    np.testing.assert_allclose(padded, found.states, rtol=1e-4, atol=1e-5)
