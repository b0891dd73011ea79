"""SGD as PyTorch computes it.

Keras multiplies a gradient by the learning rate before it enters the momentum, PyTorch the whole
momentum when it is applied: after a milestone, Keras would go on with old, larger steps. And
PyTorch's weight decay is an L2 term, part of the gradient, which the momentum accumulates.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class TorchSgd(keras.optimizers.Optimizer):
    """SGD with momentum (not Nesterov's) and L2 on every variable, gamma and beta included.

    Args:
        learning_rate: A number or a schedule.
        momentum: Share of the earlier gradients that is kept.
        l2: PyTorch's `weight_decay`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.1,
        momentum: float = 0.9,
        l2: float = 1e-4,
        name: str = "torch_sgd",
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name)
        self.momentum, self.l2 = momentum, l2

    def build(self, variables: Any) -> None:
        """Makes the momentum of each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums = [
            self.add_variable_from_reference(variable, name="momentum") for variable in variables
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One update of one variable."""
        momentum = self._momentums[self._get_variable_index(variable)]
        value = tf.convert_to_tensor(variable)
        gradient = tf.cast(gradient, value.dtype) + self.l2 * value
        new = self.momentum * tf.convert_to_tensor(momentum) + gradient
        self.assign(momentum, new)
        self.assign_sub(variable, tf.cast(learning_rate, value.dtype) * new)

    def get_config(self) -> dict[str, Any]:
        """The arguments, for Keras."""
        return {**super().get_config(), "momentum": self.momentum, "l2": self.l2}
