"""The slices of a finished evaluation, held against what was asked for."""

from __future__ import annotations

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.errors import DataError


def check_slices(evaluation_dir: str, eval_config: config_pb2.EvalConfig) -> None:
    """Refuses an evaluation that lacks slices.

    TFMA says nothing of a feature that no record has, and measures nothing for it.

    Args:
        evaluation_dir: The `evaluation` artifact's directory.
        eval_config: What was evaluated.

    Raises:
        DataError: There is no slice of a feature.
    """
    wanted = {feature for spec in eval_config.slicing_specs for feature in spec.feature_keys}
    found = {
        key.column
        for metrics in tfma.load_metrics(evaluation_dir)
        for key in metrics.slice_key.single_slice_keys
    }
    if wanted - found:
        raise DataError(
            "the evaluation has no slices of a feature that it should be sliced by",
            found=f"no record with {', '.join(sorted(wanted - found))}",
            expected="features of the raw records, as ExampleGen writes them",
            fix="correct `slices` in the evaluation section",
        )
