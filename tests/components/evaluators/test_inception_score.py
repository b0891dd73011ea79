import math

import numpy as np
import pytest

from components.errors import DataError
from components.evaluators.inception_score import (
    ClassProbabilitySums,
    contiguous_splits,
    inception_score,
)


def probabilities(images, classes, seed=0):
    logits = np.random.default_rng(seed).normal(0, 2, (images, classes))
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def by_definition(values):
    marginal = values.mean(0)
    return math.exp(np.mean(np.sum(values * np.log(values / marginal), axis=1)))


def test_equals_its_definition_split_by_split():
    values = probabilities(35, 6)
    expected = [by_definition(values[start : start + 7]) for start in range(0, 35, 7)]
    mean, deviation = inception_score(contiguous_splits(values, 5))
    assert mean == pytest.approx(np.mean(expected), rel=1e-12)
    assert deviation == pytest.approx(np.std(expected), rel=1e-12)


def test_sure_and_diverse_is_the_number_of_classes_and_unsure_is_1():
    assert ClassProbabilitySums.of(np.eye(7)).score == pytest.approx(7.0, rel=1e-12)
    assert ClassProbabilitySums.of(np.full((5, 7), 1 / 7)).score == pytest.approx(1.0, rel=1e-12)
    assert ClassProbabilitySums.of(np.eye(7)[[2] * 4]).score == pytest.approx(1.0, rel=1e-12)


def test_bundles_have_no_say():
    values = probabilities(23, 4)
    merged = ClassProbabilitySums()
    for part in np.split(values, [0, 5, 6, 20]):
        merged = merged.merge(ClassProbabilitySums.of(part))
    assert merged.count == 23
    assert merged.score == pytest.approx(by_definition(values), rel=1e-12)


def test_splits_without_images_do_not_count():
    values = probabilities(3, 4)
    splits = [*contiguous_splits(values, 1), ClassProbabilitySums()]
    assert inception_score(splits) == (pytest.approx(by_definition(values)), 0.0)
    assert all(math.isnan(value) for value in inception_score([ClassProbabilitySums()]))


def test_one_bad_probability_makes_it_not_a_number():
    values = probabilities(6, 4)
    values[1, 2] = np.nan
    assert math.isnan(inception_score(contiguous_splits(values, 2))[0])


def test_a_vector_is_an_error():
    with pytest.raises(DataError, match=r"\[images, classes\]"):
        ClassProbabilitySums.of(np.full(4, 0.25))
