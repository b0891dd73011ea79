"""Which loss a task is trained by."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from components.trainers.siren import differential_operators as operators
from components.trainers.siren import losses
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.targets import COLOUR_GRADIENT_WEIGHTS

Terms = Mapping[str, tf.Tensor]


def data_terms(
    task: str, model: keras.Model, points: Mapping[str, tf.Tensor], num_points: int
) -> Terms:
    """The loss of a task at some of a step's points.

    Args:
        task: One of `SignalTask`.
        model: The network.
        points: `coordinates` `[points, axes]`, `target` `[points, components]`, and `mask`
            `[points, 1]` for inpainting.
        num_points: Points of the whole step, which the mean is taken over.

    Returns:
        Name -> scalar; the names are the authors', in full words.
    """
    where, target = points["coordinates"], points["target"]
    if task == "audio":
        return {"audio_loss": losses.audio_mse(model(where), target, num_points)}
    if task in ("poisson_gradient", "poisson_editing"):
        gradients = _channel_gradients(model, where)
        in_colour = task == "poisson_editing" and target.shape[-1] == len(COLOUR_GRADIENT_WEIGHTS)
        weights = COLOUR_GRADIENT_WEIGHTS if in_colour else None
        return {"gradients_loss": losses.gradients_mse(gradients, target, weights, num_points)}
    if task == "poisson_laplacian":
        laplacians = (
            operators.laplacian(model, where)
            if target.shape[-1] == 1
            else operators.channel_laplacians(model, where)
        )
        return {"laplace_loss": losses.laplace_mse(laplacians, target, num_points)}
    mask = points.get("mask")
    return {"image_loss": losses.image_mse(model(where), target, mask, num_points)}


def prior_terms(
    experiment: SirenExperiment, model: keras.Model, where: tf.Tensor, num_points: int
) -> Terms:
    """The prior of an experiment at some of a step's random points.

    Args:
        experiment: Which prior, and its weight.
        model: The network.
        where: `[points, axes]`, in [-1, 1].
        num_points: Random points of the whole step, which the mean is taken over.

    Returns:
        `prior_loss`.
    """
    if experiment.prior == "tv":
        prior = losses.total_variation(operators.gradient(model, where), num_points)
    else:
        prior = losses.frobenius_hessian(operators.hessian(model, where), num_points)
    return {"prior_loss": experiment.prior_weight * prior}


def _channel_gradients(model: keras.Model, where: tf.Tensor) -> tf.Tensor:
    """`[points, channels * axes]`, each channel's (row, column) pair after the other's."""
    _, derivatives = operators.jacobian(model, where)
    return tf.reshape(derivatives, [-1, derivatives.shape[-2] * derivatives.shape[-1]])
