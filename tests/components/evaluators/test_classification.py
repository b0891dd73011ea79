import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.errors import DataError
from components.evaluators.classification import (
    HitCount,
    RecordMean,
    bootstrap_interval,
    cross_entropy,
    read_classification,
    read_disabled_features,
    top_k_hit,
)

RECORDS, CLASSES = 400, 12


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def predictions(seed=0):
    """Probabilities `[records, classes]` float32 and labels that agree with them now and then."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (RECORDS, CLASSES))
    labels = np.where(
        generator.random(RECORDS) < 0.4,
        logits.argmax(axis=1),
        generator.integers(0, CLASSES, RECORDS),
    )
    return softmax(logits).astype(np.float32), labels


def merged(scores, empty):
    total = empty
    for score in scores:
        total = total.merge(score)
    return total


@pytest.mark.parametrize("k", [1, 2, 5, 11])
def test_accuracy_is_scikit_learns(k):
    metrics = pytest.importorskip("sklearn.metrics")
    probabilities, labels = predictions()
    counted = merged(
        (top_k_hit(p, t, k) for p, t in zip(probabilities, labels, strict=True)), HitCount()
    )
    expected = metrics.top_k_accuracy_score(labels, probabilities, k=k, labels=range(CLASSES))
    assert counted.accuracy == pytest.approx(expected, abs=1e-12)
    assert counted.records == RECORDS


def test_cross_entropy_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    probabilities, labels = predictions()
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    total = merged((cross_entropy(p, t) for p, t in zip(exact, labels, strict=True)), RecordMean())
    expected = metrics.log_loss(labels, exact, labels=range(CLASSES))
    assert total.mean == pytest.approx(expected, rel=1e-12)


@given(
    hnp.arrays(np.int64, 6, elements=st.integers(0, 3)), st.integers(0, 5), st.integers(1, 6)
)  # few values, so that ties are common
def test_ties_go_to_the_lower_class(levels, label, k):
    probabilities = (levels + 1) / np.sum(levels + 1)
    ranking = np.argsort(-probabilities, kind="stable")
    assert top_k_hit(probabilities, label, k).hits == float(label in ranking[:k])
    assert top_k_hit(probabilities, label, 1).hits == float(np.argmax(probabilities) == label)


def test_a_network_that_answers_nothing_is_right_by_chance_alone():
    same = np.full(10, 0.1, np.float32)
    hits = [top_k_hit(same, label, 5).hits for label in range(10)]
    assert sum(hits) == 5.0


def test_more_places_than_classes_hold_every_label():
    assert top_k_hit(np.array([0.9, 0.1]), 1, 5).hits == 1.0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_is_the_binomial_percentiles(counts):
    hits, records = counts
    stats = pytest.importorskip("scipy.stats")
    distribution = stats.binom(records, hits / records)
    expected = distribution.ppf([0.025, 0.975]) / records
    assert bootstrap_interval(hits, records) == pytest.approx(tuple(expected), abs=1e-12)


def test_interval_is_what_resampling_gives():
    hits, records = 130, 297
    values = np.zeros(records)
    values[:hits] = 1.0
    generator = np.random.default_rng(1)
    draws = [values[generator.integers(0, records, records)].mean() for _ in range(20_000)]
    low, high = np.percentile(draws, [2.5, 97.5])
    # 20,000 draws leave the percentiles uncertain by about one record.
    assert bootstrap_interval(hits, records) == pytest.approx((low, high), abs=1.5 / records)


@pytest.mark.parametrize("records", [1, 50, 50_000])
def test_interval_holds_the_accuracy_and_narrows_with_the_records(records):
    hits = records * 8 // 25
    low, high = HitCount(hits, records).interval
    assert 0.0 <= low <= hits / records <= high <= 1.0
    if records > 1:
        error = math.sqrt(hits / records * (1 - hits / records) / records)
        assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_what_was_not_seen_is_not_a_number():
    assert math.isnan(HitCount().accuracy)
    assert all(math.isnan(value) for value in HitCount().interval)
    assert math.isnan(RecordMean().mean)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_one_record_without_numbers_spoils_the_total(broken):
    probabilities = np.array([0.5, broken, 0.5])
    hits = HitCount(3, 4).merge(top_k_hit(probabilities, 0, 1))
    assert math.isnan(hits.accuracy)
    assert all(math.isnan(value) for value in hits.interval)
    assert math.isnan(RecordMean(1.0, 4).merge(cross_entropy(probabilities, 0)).mean)


def test_impossible_label_costs_a_finite_number_of_nats():
    certain = np.array([1.0, 0.0], np.float32)
    assert cross_entropy(certain, 1).mean == pytest.approx(87.34, abs=0.01)
    assert cross_entropy(certain, 0).mean == 0.0


def outputs(prediction, target=0, **others):
    return {"prediction": np.asarray(prediction, np.float32), "target": np.int64(target), **others}


def test_outputs_of_a_record_are_read():
    probabilities, label = read_classification(outputs([0.25, 0.75], 1))
    assert (probabilities.tolist(), label) == ([0.25, 0.75], 1)
    assert read_disabled_features({"disabled_features": np.float32(0.25)}) == 0.25
    assert np.isnan(read_classification(outputs([np.nan, 0.5]))[0]).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (outputs([0.5, 0.5], 2), r"label is none[\s\S]*found: +2[\s\S]*0 to 1"),
        (outputs([0.5, 0.5], -1), "label is none"),
        (outputs([3.0, -2.0]), "no probability distribution"),
        (outputs([3.0, 4.0]), r"no probability distribution[\s\S]*sum 7"),
        ({"target": 0}, "lacks the output `prediction`"),
        ({"prediction": [0.5, 0.5]}, "lacks the output `target`"),
        (np.zeros(3), "ndarray"),
    ],
)
def test_outputs_that_cannot_be_scored_are_named(given, message):
    with pytest.raises(DataError, match=message):
        read_classification(given)


def test_a_model_without_its_gammas_is_named():
    with pytest.raises(DataError, match="disabled_features"):
        read_disabled_features(outputs([0.5, 0.5]))
