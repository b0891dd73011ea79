"""The metrics of `cluster_agreement` on clusters that the model itself gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from components.errors import DataError
from components.evaluators.cluster_agreement import (
    ContingencyTable,
    matched_accuracy,
    normalized_mutual_information,
)
from components.evaluators.evaluate_signature import EVALUATE_SIGNATURE
from components.evaluators.prediction_metric import PredictionMetric

LABEL = "label"
CLUSTER = "cluster"


class _ClusterAgreement(PredictionMetric):
    """Base: the outputs `label` and `cluster`, int64, of each record."""

    empty: ClassVar[ContingencyTable] = ContingencyTable()

    @staticmethod
    def score(outputs: Any) -> ContingencyTable:
        """The pair of one record."""
        if not isinstance(outputs, Mapping) or not {LABEL, CLUSTER} <= outputs.keys():
            found = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
            raise DataError(
                f"the model's `{EVALUATE_SIGNATURE}` signature lacks an output",
                found=found,
                expected=f"{LABEL}, {CLUSTER}",
                fix="measure the clusters by a feature network, or leave them out of `metrics`",
            )
        label, cluster = (np.ravel(outputs[name])[:1].astype(np.int64) for name in (LABEL, CLUSTER))
        return ContingencyTable.of(label, cluster)


class ClusterInformation(_ClusterAgreement):
    """Normalised mutual information."""

    metric_name: ClassVar[str] = "cluster_nmi"

    @staticmethod
    def result(total: ContingencyTable) -> float:
        """In [0, 1]."""
        return normalized_mutual_information(total)


class ClusterAccuracy(_ClusterAgreement):
    """Accuracy under the best matching of clusters with labels."""

    metric_name: ClassVar[str] = "cluster_accuracy"

    @staticmethod
    def result(total: ContingencyTable) -> float:
        """In [0, 1]."""
        return matched_accuracy(total)
