"""Gradients of parts, added up."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.errors import ConfigError
from components.trainers.gradient_accumulation import accumulated_gradients
from components.trainers.optimization import prepare_optimizer


@pytest.fixture
def weight():
    return keras.Variable(np.float32([[1.0], [2.0]]))


def squares(weight):
    return lambda part: {"loss": tf.reduce_sum((part["x"] @ weight) ** 2)}


def gradients(weight, rows, parts, signature=None):
    optimizer = prepare_optimizer(keras.optimizers.SGD(1.0), [weight], "float32")
    batch = {"x": tf.random.stateless_normal([rows, 2], [1, 2])}
    compute = tf.function(
        lambda batch: accumulated_gradients(
            squares(weight), batch, [weight], optimizer, parts=parts
        ),
        input_signature=signature,
        autograph=False,
    )
    (gradient,), losses = compute(batch)
    return gradient.numpy(), losses["loss"].numpy()


@pytest.mark.parametrize("parts", [2, 3, 6, 12])
def test_parts_equal_the_whole(weight, parts):
    whole, in_parts = gradients(weight, 12, 1), gradients(weight, 12, parts)
    np.testing.assert_allclose(in_parts[0], whole[0], rtol=1e-5)
    np.testing.assert_allclose(in_parts[1], whole[1], rtol=1e-5)


def test_batch_that_cannot_be_cut_equally_is_refused(weight):
    with pytest.raises(ConfigError, match="12 rows in 5 parts"):
        gradients(weight, 12, 5)


def test_batch_of_unknown_size_is_checked_when_it_comes(weight):
    signature = [{"x": tf.TensorSpec([None, 2])}]
    gradients(weight, 12, 4, signature)
    with pytest.raises(tf.errors.InvalidArgumentError, match="accumulation_steps"):
        gradients(weight, 12, 5, signature)


def test_variable_the_loss_does_not_depend_on_has_no_gradient(weight):
    other = keras.Variable([1.0])
    optimizer = prepare_optimizer(keras.optimizers.SGD(1.0), [weight, other], "float32")
    found, _ = accumulated_gradients(
        squares(weight), {"x": tf.ones([4, 2])}, [weight, other], optimizer, parts=2
    )
    assert found[0] is not None and found[1] is None


def test_embeddings_gradients_are_added():
    table = keras.Variable(np.zeros([5, 2], np.float32))
    optimizer = prepare_optimizer(keras.optimizers.SGD(1.0), [table], "float32")

    def loss(part):
        return {"loss": tf.reduce_sum(tf.gather(table.value, part))}

    (gradient,), _ = accumulated_gradients(
        loss, tf.constant([0, 0, 3, 4]), [table], optimizer, parts=2
    )
    np.testing.assert_array_equal(gradient, [[2, 2], [0, 0], [0, 0], [1, 1], [1, 1]])
