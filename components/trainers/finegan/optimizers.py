"""The three optimizers, and what each updates.

The authors have four: the generator, the parent's discriminator and the child's code head are
stepped by one Adam each, at the same time, with the same settings, on gradients of the same loss.
That is one Adam over all three. (Their Adam of the child's discriminator holds the code head too,
whose gradient is always zero there.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.model import FineGan
from components.trainers.optimization import Optimizer, prepare_optimizer
from components.trainers.torch_adam import FusedTorchAdam
from components.trainers.training_config import TrainingConfig

Variables = list[keras.Variable]


class Optimizers:
    """The optimizers of a run.

    Attributes:
        background: Of the background's discriminator.
        child: Of the child's discriminator without its code head.
        generation: Of the generator, the parent's discriminator and the child's code head.
    """

    def __init__(
        self, models: FineGan, experiment: FineGanExperiment, training: TrainingConfig
    ) -> None:
        parent, child = models.parent_discriminator, models.child_discriminator
        self.background_variables: Variables = models.background_discriminator.trainable_variables
        self.child_variables: Variables = [
            *child.encoder_variables,
            *child.real_head.trainable_variables,
        ]
        # The parent's real/fake head is in no loss.
        self.generation_variables: Variables = [
            *models.generator.trainable_variables,
            *parent.encoder_variables,
            *parent.code_variables,
            *child.code_variables,
        ]

        def optimizer(variables: Variables) -> Optimizer:
            adam = FusedTorchAdam(training.learning_rate, experiment.beta_1, experiment.beta_2)
            return prepare_optimizer(adam, variables, training.precision)

        self.background = optimizer(self.background_variables)
        self.child = optimizer(self.child_variables)
        self.generation = optimizer(self.generation_variables)

    @property
    def checkpoint_items(self) -> Mapping[str, Any]:
        """Their states."""
        return {
            "background_optimizer": self.background,
            "child_optimizer": self.child,
            "generation_optimizer": self.generation,
        }
