import itertools
import math

import numpy as np
import pytest

from components.errors import DataError
from components.evaluators.cluster_agreement import (
    ContingencyTable,
    matched_accuracy,
    nearest_codes,
    normalized_mutual_information,
)


def assignments(seed, records=60, labels=5, clusters=7):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, labels, records)
    noise = generator.integers(0, clusters, records)
    return truth, np.where(generator.random(records) < 0.5, (truth * 3) % clusters, noise)


@pytest.mark.parametrize("seed", range(5))
def test_information_equals_scikit_learns(seed):
    metrics = pytest.importorskip("sklearn.metrics")
    labels, clusters = assignments(seed)
    found = normalized_mutual_information(ContingencyTable.of(labels, clusters))
    assert found == pytest.approx(
        metrics.normalized_mutual_info_score(labels, clusters), rel=0, abs=1e-12
    )


@pytest.mark.parametrize(("labels", "clusters"), [(4, 5), (5, 3), (4, 4)])
def test_accuracy_equals_the_best_of_all_matchings(labels, clusters):
    truth, found = assignments(11, 40, labels, clusters)
    table = ContingencyTable.of(truth, found)
    matrix = table.matrix()
    small, large = sorted(matrix.shape)
    wide = matrix if matrix.shape[0] == small else matrix.T
    best = max(
        sum(wide[row, column] for row, column in enumerate(columns))
        for columns in itertools.permutations(range(large), small)
    )
    assert matched_accuracy(table) == pytest.approx(best / 40)


def test_names_of_clusters_do_not_matter():
    labels = np.array([0, 0, 1, 1, 2, 2])
    table = ContingencyTable.of(labels, np.array([70, 70, 5, 5, 3, 3]))
    assert normalized_mutual_information(table) == pytest.approx(1.0, abs=1e-12)
    assert matched_accuracy(table) == 1.0


def test_a_single_cluster_says_nothing():
    table = ContingencyTable.of(np.array([0, 1, 2, 3]), np.zeros(4, int))
    assert normalized_mutual_information(table) == 0.0
    assert matched_accuracy(table) == 0.25
    constant = ContingencyTable.of(np.zeros(4, int), np.zeros(4, int))
    assert normalized_mutual_information(constant) == 1.0


def test_parts_add_up():
    labels, clusters = assignments(3)
    merged = ContingencyTable()
    for part in np.split(np.arange(60), [0, 7, 31]):
        merged = merged.merge(ContingencyTable.of(labels[part], clusters[part]))
    np.testing.assert_array_equal(merged.matrix(), ContingencyTable.of(labels, clusters).matrix())


def test_no_records_have_no_agreement():
    assert math.isnan(normalized_mutual_information(ContingencyTable()))
    assert math.isnan(matched_accuracy(ContingencyTable()))


def test_labels_and_clusters_are_equally_many():
    with pytest.raises(DataError, match="do not belong together"):
        ContingencyTable.of(np.zeros(3, int), np.zeros(4, int))


def test_the_nearest_code_is_found_whatever_a_features_scale():
    generator = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [0.0, 1.0], [4.0, 0.0]])
    # The first feature is told in large numbers and noisy: undivided, it would decide alone.
    noise = np.array([1.0, 0.05])
    codes = np.repeat([10, 20, 30], 40)
    scale = np.array([1000.0, 1.0])
    generated = (np.repeat(centres, 40, 0) + generator.normal(size=(120, 2)) * noise) * scale
    real = (centres[[2, 0, 1]] + np.array([0.4, 0.02])) * scale
    assert nearest_codes(real, generated, codes).tolist() == [30, 10, 20]


def test_without_generated_images_there_is_no_nearest_code():
    with pytest.raises(DataError, match="no generated images"):
        nearest_codes(np.zeros((2, 3)), np.zeros((0, 3)), np.zeros(0, int))
