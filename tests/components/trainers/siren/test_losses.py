"""Losses by hand, and the property that parts add up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.siren import equation_losses, losses


def drawn(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.random.stateless_normal(shape, [seed, 1])


def test_masked_error_is_averaged_over_all_pixels() -> None:
    values, target = tf.ones([4, 3]), tf.zeros([4, 3])
    mask = tf.constant([[1.0], [0.0], [0.0], [0.0]])
    assert float(losses.image_mse(values, target, mask)) == 0.25
    assert float(losses.image_l1(2.0 * values, target, mask)) == 0.5


def test_colour_weights_count_red_and_blue_ten_times() -> None:
    gradients, weights = tf.ones([7, 6]), (10.0, 10.0, 1.0, 1.0, 10.0, 10.0)
    assert float(losses.gradients_mse(gradients, tf.zeros([7, 6]), weights)) == 42.0


def test_hessian_of_a_constant_has_a_finite_derivative() -> None:
    hessians = tf.zeros([3, 1, 2, 2])
    with tf.GradientTape() as tape:
        tape.watch(hessians)
        loss = losses.frobenius_hessian(hessians)
    assert float(loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss, hessians), np.zeros([3, 1, 2, 2]))


def test_channels_share_one_frobenius_norm() -> None:
    hessians = tf.ones([5, 2, 2, 2])
    assert float(losses.frobenius_hessian(hessians)) == pytest.approx(np.sqrt(8.0))


PART_LOSSES: dict[str, tuple[tuple[int, ...], Callable[..., tf.Tensor]]] = {
    "image": ((3,), lambda v, t, n: losses.image_mse(v, t, num_points=n)),
    "l1": ((3,), lambda v, t, n: losses.image_l1(v, t, num_points=n)),
    "audio": ((1,), lambda v, t, n: losses.audio_mse(v, t, n)),
    "gradients": ((6,), lambda v, t, n: losses.gradients_mse(v, t, (1, 2, 3, 4, 5, 6), n)),
    "laplace": ((1,), lambda v, t, n: losses.laplace_mse(v, t, n)),
    "tv": ((2,), lambda v, t, n: losses.total_variation(v, n)),
    "fh": ((2, 2, 2), lambda v, t, n: losses.frobenius_hessian(v, n)),
}


@pytest.mark.parametrize("name", PART_LOSSES)
def test_losses_of_parts_add_up_to_the_loss(name: str) -> None:
    shape, loss = PART_LOSSES[name]
    values, target = drawn(10, *shape), drawn(10, *shape, seed=1)
    parts = [loss(values[a:b], target[a:b], 10) for a, b in ((0, 3), (3, 6), (6, 10))]
    assert float(tf.add_n(parts)) == pytest.approx(float(loss(values, target, None)), rel=1e-6)


def test_a_plane_wave_satisfies_the_helmholtz_equation_inside() -> None:
    wavenumber = 20.0
    where = tf.random.stateless_uniform([50, 2], [1, 2], -0.45, 0.45)

    def wave(points: tf.Tensor) -> tf.Tensor:
        phase = wavenumber * (0.6 * points[:, :1] + 0.8 * points[:, 1:])
        return tf.concat([tf.cos(phase), tf.sin(phase)], axis=-1)

    slowness = tf.tile([[1.0, 0.0]], [50, 1])
    terms = equation_losses.helmholtz_losses(wave, where, tf.zeros([50, 2]), slowness)
    assert float(terms["diff_constraint_off"]) / 50 < 1e-2 < wavenumber**2
    assert float(terms["diff_constraint_on"]) == 0.0


def test_inversion_fixes_the_medium_at_the_margin_and_clamps_it_inside() -> None:
    where = tf.constant([[0.0, 0.0], [0.9, 0.0]])
    receivers = tf.constant([[0.5, 0.0], [0.0, 0.0]])

    def network(offset: float) -> Callable[[tf.Tensor], tf.Tensor]:
        def field(points: tf.Tensor) -> tf.Tensor:
            constant = tf.ones_like(points[:, :1])
            return tf.concat([constant, 0.0 * constant, offset * constant], axis=-1)

        return field

    def residuals(offset: float) -> dict[str, float]:
        terms = equation_losses.inverse_helmholtz_losses(
            network(offset), where, tf.zeros([2, 2]), receivers
        )
        return {name: float(value) for name, value in terms.items()}

    # |u - receiver| where there is a receiver, times the number of points.
    assert residuals(0.0)["data_term"] == pytest.approx(0.5 * 2)
    far_below, at_the_bound = residuals(-50.0), residuals(-0.999)
    assert far_below == pytest.approx(at_the_bound)
    change = residuals(1.0)["diff_constraint_off"] - residuals(0.0)["diff_constraint_off"]
    assert change == pytest.approx(400.0)  # k^2 at the inner point alone


def test_a_travelling_wave_satisfies_the_wave_equation() -> None:
    where = tf.random.stateless_uniform([20, 3], [1, 2], -1.0, 1.0)

    def wave(points: tf.Tensor) -> tf.Tensor:
        time, x, y = tf.unstack(points, axis=-1)
        return tf.sin(0.6 * x + 0.8 * y - time / 2.0)[:, tf.newaxis]

    slowness, nowhere = tf.fill([20, 1], 4.0), tf.zeros([20, 1], tf.bool)
    terms = equation_losses.wave_losses(wave, where, tf.zeros([20, 1]), nowhere, slowness)
    assert float(terms["diff_constraint_hom"]) < 1e-4
    assert float(terms["dirichlet"]) == float(terms["neumann"]) == 0.0


def test_while_every_point_is_initial_the_wave_equation_is_left_out() -> None:
    where = tf.random.stateless_uniform([4, 3], [1, 2], -1.0, 1.0)

    def parabola(points: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(points**2, axis=-1, keepdims=True)

    initial = tf.ones([4, 1], tf.bool)
    terms = equation_losses.wave_losses(parabola, where, parabola(where), initial, tf.ones([4, 1]))
    assert float(terms["diff_constraint_hom"]) == 0.0
    assert float(terms["dirichlet"]) == 0.0
    assert float(terms["neumann"]) > 0.0


def test_a_sphere_is_a_perfect_signed_distance() -> None:
    points = tf.math.l2_normalize(drawn(6, 3), axis=-1)
    values = tf.norm(points, axis=-1, keepdims=True) - 1.0
    terms = equation_losses.sdf_losses(values, points, tf.zeros([6, 1]), points)
    assert all(float(value) == pytest.approx(0.0, abs=1e-3) for value in terms.values())
