"""What a paper hands to the shared training loop."""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True)
class Summary:
    """What a task shows of itself at a step.

    Attributes:
        scalars: name -> value, drawn as curves (for example `psnr` in dB).
        images: name -> `[height, width, channels]`, float in [0, 1], for TensorBoard.
    """

    scalars: Mapping[str, float]
    images: Mapping[str, NDArray[Any]]


class Task(abc.ABC):
    """A paper's model, data and update. The loop owns everything else.

    A task is built inside the strategy's scope, so that its variables are distributed, and with the
    run's seed and dtype policy set. It creates every variable then: optimizers are built with it
    (`optimization.prepare_optimizer`), not at their first update, or a resumed run could not fill
    them.

    Steps count from 0: the update of step `s` is the one made after `s` others.
    """

    @property
    @abc.abstractmethod
    def checkpoint_items(self) -> Mapping[str, Any]:
        """Everything that a resumed run must find again: models, optimizers, averages."""

    @property
    def steps_per_epoch(self) -> int | None:
        """Updates that a pass over the records takes; None where there are no passes."""
        return None

    @property
    def progress_names(self) -> Collection[str] | None:
        """The terms and scalars that a line of progress has room for; None: all of them."""
        return None

    @abc.abstractmethod
    def dataset(self, first_step: int) -> tf.data.Dataset:
        """Batches of the steps `first_step`, `first_step + 1`, …, without end.

        The batch of a step is a function of (seed, step) alone, so that a resumed run sees what an
        uninterrupted one would have seen. Batches are global: the strategy splits dimension 0.
        """

    @abc.abstractmethod
    def train_step(self, batch: Any) -> Mapping[str, tf.Tensor]:
        """One update of the variables, in replica context; traced once into a graph.

        It is traced without AutoGraph: control flow that depends on tensors is `tf.cond` and
        `tf.while_loop`.

        Returns:
            The named scalar terms of the loss, already scaled so that the *sum* over replicas is
            the global value. `loss` is the total.
        """

    @abc.abstractmethod
    def summarize(self, step: int) -> Summary:
        """Curves and pictures of the current variables, after `step` updates.

        Called before the first update, every `summary_every_steps`, and after the last one.
        """

    @abc.abstractmethod
    def export(self, directory: str) -> None:
        """Writes the SavedModel with the signatures `serving_default` and `evaluate`."""
