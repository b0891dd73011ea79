"""Builds SIREN's task from what the Trainer node is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.task import SirenTask
from components.trainers.task import Task
from components.trainers.trainer_inputs import TrainerInputs
from components.trainers.transform_graph import TransformGraph, read_examples
from components.transforms.siren import FRAME, MASK, RATE, SECOND, VALUES


def build_task(inputs: TrainerInputs) -> Task:
    """Reads the signal through Transform's graph and makes the task of it.

    Args:
        inputs: Files, Transform's output, and the sections `experiment` and `network`.

    Returns:
        The task.

    Raises:
        ConfigError: A section does not fit.
        DataError: There is no record, or the records do not make one signal.
    """
    experiment = inputs.section("experiment", SirenExperiment)
    network = inputs.section("network", NetworkConfig)
    served, trained = outputs_of(experiment)
    dataset = read_examples(inputs.train_paths, inputs.transform_dir, trained)
    records = list(dataset.as_numpy_iterator())
    return SirenTask(
        experiment,
        network,
        inputs.training,
        merge_records(experiment, records),
        TransformGraph(inputs.transform_dir, served).from_serialized,
    )


def outputs_of(experiment: SirenExperiment) -> tuple[frozenset[str], frozenset[str]]:
    """Transform's outputs that evaluation needs, and those that training needs.

    The mask of inpainting, which may be drawn at random, is not among the former.
    """
    if experiment.task == "audio":
        served = {VALUES}
        return frozenset(served), frozenset({VALUES, RATE})
    served = {VALUES, FRAME} | ({SECOND} if experiment.task == "poisson_editing" else set())
    trained = served | ({MASK} if experiment.task == "inpainting" else set())
    return frozenset(served), frozenset(trained)


def merge_records(
    experiment: SirenExperiment, records: Sequence[Mapping[str, Any]]
) -> Mapping[str, NDArray[Any]]:
    """Makes one signal of the records: of a film's frames, in their order.

    Args:
        experiment: Which task it is.
        records: Transform's outputs, a record each, with a batch dimension of 1.

    Returns:
        `signal/values` `[frames, height, width, channels]`, or `[samples]` of a sound, and so on.

    Raises:
        DataError: There are no records, or several sounds.
    """
    if not records or (experiment.task == "audio" and len(records) > 1):
        raise DataError(
            f"the task {experiment.task} needs one signal",
            found=f"{len(records)} records",
            expected="1" if experiment.task == "audio" else "1 or more",
            fix="point --data-root at a single file",
        )
    if experiment.task == "audio":
        (record,) = records
        values = record[VALUES]
        samples = values.values if hasattr(values, "values") else np.ravel(values)
        return {VALUES: np.asarray(samples), RATE: np.asarray(record[RATE])}
    ordered = sorted(records, key=lambda record: int(record[FRAME][0, 0]))
    return {name: np.concatenate([record[name] for record in ordered]) for name in ordered[0]}
