import numpy as np
import pytest

pytest.importorskip("tensorflow_model_analysis")

from components.errors import DataError
from components.evaluators.cluster_agreement_tfma import ClusterAccuracy, ClusterInformation


def combined(metric, pairs):
    [computation] = metric().computations()
    [preprocessor], combiner = computation.preprocessors, computation.combiner
    accumulators = []
    for label, cluster in pairs:
        outputs = {"label": np.array([label]), "cluster": np.array([cluster])}
        [score] = preprocessor.process({"predictions": outputs})
        accumulators.append(combiner.add_input(combiner.create_accumulator(), score))
    total = combiner.extract_output(combiner.merge_accumulators(accumulators))
    return {key.name: value for key, value in total.items()}


def test_clusters_that_the_model_gives():
    pairs = [(0, 4), (0, 4), (1, 2), (1, 4)]
    assert combined(ClusterAccuracy, pairs) == {"cluster_accuracy": 0.75}
    information = combined(ClusterInformation, pairs[:3])["cluster_nmi"]
    assert information == pytest.approx(1.0)


def test_a_model_without_clusters_is_told_what_to_measure():
    with pytest.raises(DataError, match=r"label, cluster[\s\S]*feature network"):
        ClusterAccuracy.score({"label": np.array([1])})
