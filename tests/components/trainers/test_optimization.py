"""Loss scaling and clipping before an update."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainers.optimization import apply_gradients, prepare_optimizer, scale_loss


@pytest.fixture
def weight():
    return keras.Variable(np.float32([3.0, 4.0]))


def descend(weight, precision, **options):
    """One step of gradient descent with rate 1 on half the squared norm: ends at 0 unclipped."""
    optimizer = prepare_optimizer(keras.optimizers.SGD(1.0), [weight], precision)
    with tf.GradientTape() as tape:
        loss = scale_loss(optimizer, tf.reduce_sum(weight.value**2) / 2)
    apply_gradients(optimizer, tape.gradient(loss, [weight]), [weight], **options)
    return optimizer, loss


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    ("clip_norm", "expected"), [(None, [0, 0]), (10.0, [0, 0]), (1.0, [2.4, 3.2])]
)
def test_update_is_clipped_by_the_unscaled_norm(precision, clip_norm, expected, weight):
    descend(weight, precision, clip_norm=clip_norm)
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-6)


def test_only_float16_is_scaled(weight):
    assert descend(weight, "mixed_bfloat16")[1] == 12.5
    weight.assign([3.0, 4.0])
    optimizer, loss = descend(weight, "mixed_float16")
    assert loss == 12.5 * optimizer.initial_scale


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_float16_overflow_skips_the_update_and_halves_the_scale(clip_norm, weight):
    optimizer = prepare_optimizer(keras.optimizers.SGD(1.0), [weight], "mixed_float16")
    apply_gradients(optimizer, [tf.constant([np.inf, 0.0])], [weight], clip_norm=clip_norm)
    np.testing.assert_array_equal(weight.numpy(), [3.0, 4.0])
    assert float(optimizer.dynamic_scale) == optimizer.initial_scale / 2


def test_missing_gradient_leaves_its_variable(weight):
    other = keras.Variable([1.0])
    optimizer = prepare_optimizer(keras.optimizers.SGD(1.0), [weight, other], "float32")
    apply_gradients(optimizer, [tf.ones([2]), None], [weight, other], clip_norm=100.0)
    np.testing.assert_array_equal(weight.numpy(), [2.0, 3.0])
    np.testing.assert_array_equal(other.numpy(), [1.0])


def test_optimizer_has_all_its_variables_before_the_first_update(weight):
    optimizer = prepare_optimizer(keras.optimizers.Adam(), [weight], "mixed_float16")
    before = len(optimizer.variables)
    apply_gradients(optimizer, [tf.ones([2])], [weight])
    assert len(optimizer.variables) == before > 4
