"""The optimizer of a run: what it trains, and at which rates."""

from __future__ import annotations

from typing import Any

import keras

from components.trainers.detr.adam_w import AdamW
from components.trainers.detr.experiment import DetrExperiment
from components.trainers.detr.model import Detr
from components.trainers.detr.reference_weights import DETECTOR, variables_by_reference_name
from components.trainers.optimization import Optimizer, prepare_optimizer
from components.trainers.training_config import TrainingConfig

# The authors' names of what trains at the backbone's rate; a learned position encoding too.
_SLOW = "backbone."
_NEVER = 2**31 - 1


def trained_variables(model: Detr, experiment: DetrExperiment) -> list[keras.Variable]:
    """What trains: everything that is not frozen, or the mask head alone."""
    if experiment.frozen_detector and model.mask_head is not None:
        return list(model.mask_head.trainable_variables)
    return list(model.trainable_variables)


def make_optimizer(
    model: Detr, experiment: DetrExperiment, training: TrainingConfig, steps_per_epoch: int
) -> Optimizer:
    """AdamW over `trained_variables`, built.

    Args:
        model: The network.
        experiment: The recipe.
        training: Rate and precision.
        steps_per_epoch: For the epoch at which the rates fall.
    """
    names = {id(one): name for name, one in variables_by_reference_name(model).items()}
    slower = experiment.backbone_learning_rate / training.learning_rate
    variables = trained_variables(model, experiment)
    factors = [
        slower if names[id(one)].removeprefix(DETECTOR).startswith(_SLOW) else 1.0
        for one in variables
    ]
    rate = learning_rate(experiment, training, steps_per_epoch)
    optimizer = AdamW(rate, factors, experiment.weight_decay, largest_rate=training.learning_rate)
    return prepare_optimizer(optimizer, variables, training.precision)


def learning_rate(
    experiment: DetrExperiment, training: TrainingConfig, steps_per_epoch: int
) -> Any:
    """The rate as a function of the updates made (PyTorch's StepLR with one drop)."""
    rate = training.learning_rate
    # The boundary is the last update before the drop.
    last = experiment.drop_epoch * steps_per_epoch - 1 if experiment.drop_epoch else _NEVER
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        [last], [rate, rate * experiment.drop_factor]
    )
