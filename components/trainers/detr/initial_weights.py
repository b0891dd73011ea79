"""Where a network starts from, other than at random."""

from __future__ import annotations

import logging

from components.errors import ConfigError
from components.trainers.detr.experiment import DetrExperiment
from components.trainers.detr.model import Detr
from components.trainers.detr.reference_weights import LoadedPart, load_reference_weights
from components.trainers.detr.weight_files import read_weights

logger = logging.getLogger(__name__)


def load_initial_weights(model: Detr, experiment: DetrExperiment) -> None:
    """Loads what `experiment.detector` or `experiment.backbone` names; nothing without them.

    Args:
        model: The network.
        experiment: The recipe.

    Raises:
        ConfigError: There is no detector where one is needed.
        DataError: The weights cannot be read, or are those of another network.
    """
    path = experiment.detector or experiment.backbone
    if path is None:
        trains = model.config.first_trained_segment
        if trains > 0:
            logger.warning(
                "the backbone starts from random weights, and what is before its segment %d stays "
                "so: name ImageNet's weights in experiment.backbone, or train all of it with "
                "network.first_trained_segment=0 and network.norms_trained=true",
                trains,
            )
        return
    part = load_reference_weights(model, read_weights(path))
    if experiment.detector is not None and part is LoadedPart.BACKBONE:
        raise ConfigError(
            "experiment.detector names weights of a backbone alone",
            found=path,
            expected="a trained detector",
        )
    logger.info("of the network, %s starts from %s", part.value, path)
