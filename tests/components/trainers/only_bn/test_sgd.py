"""SGD against PyTorch's formula, written out."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.trainers.only_bn.schedules import StepsWithWarmup
from components.trainers.only_bn.sgd import TorchSgd


def test_rate_applies_to_the_whole_momentum_and_l2_enters_it() -> None:
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    optimizer = TorchSgd(StepsWithWarmup(0.5, [2]), momentum=0.9, l2=0.01)
    optimizer.build([variable])
    value, momentum = np.array([1.0, -2.0]), np.zeros(2)
    for rate, gradient in ((0.5, 0.3), (0.5, -1.0), (0.05, 2.0), (0.05, 0.0)):
        optimizer.apply_gradients([(tf.constant([gradient, gradient]), variable)])
        momentum = 0.9 * momentum + gradient + 0.01 * value
        value = value - rate * momentum
        np.testing.assert_allclose(np.array(variable), value, rtol=1e-6)
