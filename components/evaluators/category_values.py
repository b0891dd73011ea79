"""A benchmark category by category, beside its mean, in what an evaluation leaves behind.

A value for every category would be hundreds of metrics, each of them compared with the baseline's.
Instead `ap`, `mask_ap` and `pq` come with one text that holds all of them, which TFMA stores as it
is and compares with nothing.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.errors import RunError

BY_CATEGORY = "_by_category"


@dataclass(frozen=True)
class CategoryValues:
    """What is known of each category.

    Attributes:
        values: Category -> name -> value; not a number where there is nothing to measure.
        curves: Name -> the values along it, for example precision at 101 recalls from 0 to 1.
    """

    values: Mapping[int, Mapping[str, float]]
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def to_text(self) -> str:
        """Strict JSON, which `from_text` reads."""
        return json.dumps(
            {
                "values": {
                    str(category): {name: _to_json(value) for name, value in values.items()}
                    for category, values in self.values.items()
                },
                "curves": {
                    name: [_to_json(value) for value in curve]
                    for name, curve in self.curves.items()
                },
            },
            allow_nan=False,
        )

    @classmethod
    def from_text(cls, text: str) -> CategoryValues:
        """What `to_text` wrote."""
        read = json.loads(text)
        return cls(
            {
                int(category): {name: _from_json(value) for name, value in values.items()}
                for category, values in read["values"].items()
            },
            {name: [_from_json(one) for one in curve] for name, curve in read["curves"].items()},
        )


def read_category_values(evaluation_dir: str, metric: str) -> CategoryValues:
    """Reads what an Evaluator measured of each category, over all records.

    Args:
        evaluation_dir: The `evaluation` artifact's directory.
        metric: `ap`, `mask_ap` or `pq`.

    Raises:
        RunError: The evaluation is not there or did not measure that.
    """
    # Imported here because it takes seconds and the rest of the module needs none of it.
    import tensorflow as tf
    import tensorflow_model_analysis as tfma

    path = os.path.join(evaluation_dir, "eval_config.json")
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path) as file:
            specs = json.load(file)["evalConfig"]["modelSpecs"]
        baselines = {spec.get("name", "") for spec in specs if spec.get("isBaseline")}
        for metrics in tfma.load_metrics(evaluation_dir):
            if metrics.slice_key.single_slice_keys:
                continue
            for pair in metrics.metric_keys_and_values:
                if pair.key.name == metric + BY_CATEGORY and pair.key.model_name not in baselines:
                    return CategoryValues.from_text(pair.value.bytes_value.decode())
    raise RunError(
        f"the evaluation has no values of `{metric}` by category",
        found=evaluation_dir,
        expected="the directory of a finished Evaluator that measured it",
        fix=f"name {metric} in `metrics` of the evaluation section, and run the pipeline again",
    )


def _to_json(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _from_json(value: float | None) -> float:
    return math.nan if value is None else value
