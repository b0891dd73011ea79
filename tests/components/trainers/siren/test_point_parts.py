"""Points in parts: the same sums, whatever the parts."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.siren.point_parts import gradients_in_parts, values_in_parts

ROWS = 11


def setup() -> tuple[tf.Variable, tf.Variable, dict[str, tf.Tensor]]:
    weight = tf.Variable([[0.3], [-0.7]])
    unused = tf.Variable([1.0, 2.0])
    where = tf.random.stateless_normal([ROWS, 2], [0, 1])
    return weight, unused, {"where": where, "target": where[:, :1] ** 2}


@pytest.mark.parametrize("points_at_once", [1, 3, 4, 10, 11, 12, None])
@pytest.mark.parametrize("rows_are_known", [True, False])
def test_sums_do_not_depend_on_the_parts(points_at_once: int | None, rows_are_known: bool) -> None:
    weight, unused, points = setup()

    def terms(part: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        error = tf.sin(part["where"] @ weight) - part["target"]
        return {
            "square": tf.reduce_sum(error**2) / ROWS,
            "absolute": tf.reduce_sum(tf.abs(error)) / ROWS,
        }

    rows = ROWS if rows_are_known else None
    signature = {
        name: tf.TensorSpec([rows, *tensor.shape[1:]], tf.float32)
        for name, tensor in points.items()
    }

    @tf.function(input_signature=[signature])
    def in_parts(points: dict[str, tf.Tensor]) -> object:
        return gradients_in_parts(terms, points, [weight, unused], points_at_once=points_at_once)

    with tf.GradientTape() as tape:
        whole = terms(points)
        total = tf.add_n(list(whole.values()))
    gradients, found = in_parts(points)
    np.testing.assert_allclose(gradients[0], tape.gradient(total, weight), rtol=1e-5)
    np.testing.assert_array_equal(gradients[1], [0.0, 0.0])
    for name, value in whole.items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-6)


def test_the_loss_scale_reaches_the_gradients_and_not_the_terms() -> None:
    weight, _, points = setup()

    def terms(part: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"loss": tf.reduce_sum(part["where"] @ weight)}

    plain, loss = gradients_in_parts(terms, points, [weight], points_at_once=4)
    scaled, same = gradients_in_parts(
        terms, points, [weight], points_at_once=4, scale=lambda value: 8.0 * value
    )
    np.testing.assert_allclose(scaled[0], 8.0 * plain[0], rtol=1e-6)
    assert float(loss["loss"]) == float(same["loss"])


@pytest.mark.parametrize("points_at_once", [1, 4, 11, 100, None])
def test_values_come_in_the_order_of_the_points(points_at_once: int | None) -> None:
    where = tf.random.stateless_normal([ROWS, 2], [0, 1])

    def function(points: tf.Tensor) -> tf.Tensor:
        return tf.concat([points, -points], axis=-1)

    found = values_in_parts(function, where, 4, points_at_once)
    np.testing.assert_array_equal(found, function(where))
