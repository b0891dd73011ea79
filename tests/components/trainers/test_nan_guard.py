"""What the guard says of losses and variables that are not finite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.errors import TrainingError
from components.trainers.nan_guard import NanGuard, check_variables


def terms(**values):
    return {name: tf.constant(value, tf.float32) for name, value in values.items()}


def test_nothing_noted_is_nothing_to_check():
    assert NanGuard().check() == {}


def test_newest_losses_are_given_and_checked_once():
    guard = NanGuard()
    guard.note(0, terms(loss=3.0, fit=1.0))
    guard.note(1, terms(loss=2.0, fit=0.5))
    assert guard.check() == {"loss": 2.0, "fit": 0.5}
    assert guard.check() == {}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_first_broken_step_and_term_are_named(value):
    guard = NanGuard()
    guard.note(4, terms(loss=3.0, fit=1.0, prior=2.0))
    guard.note(5, terms(loss=np.nan, fit=1.0, prior=value))
    guard.note(6, terms(loss=np.nan, fit=np.nan, prior=value))
    with pytest.raises(TrainingError, match=f"'prior' is {value} in step 5") as raised:
        guard.check()
    assert raised.value.found["fit"] == 1.0


def test_total_is_named_when_no_term_is_broken():
    guard = NanGuard()
    guard.note(0, terms(loss=np.inf, fit=1.0))
    with pytest.raises(TrainingError, match="'loss' is inf in step 0"):
        guard.check()


def test_finite_and_integer_variables_pass():
    check_variables(1, [tf.Variable([1.0]), tf.Variable([1]), keras.Variable([2.0])])


@pytest.mark.parametrize("make", [tf.Variable, lambda v: keras.Variable(v, name="weight")])
def test_broken_variable_is_named(make):
    broken = make(np.float32([1.0, np.nan]))
    with pytest.raises(TrainingError, match=f"{broken.name}.* not finite after 7 steps"):
        check_variables(7, [broken])
