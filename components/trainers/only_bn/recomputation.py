"""Layers whose activations are not kept for the backward pass, but computed again in it.

`tf.recompute_grad` would update BatchNorm's running statistics twice a step, once for each
computation. Here the layers run in Keras' stateless scope, and the first computation's statistics
alone are assigned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf


def recomputed(
    layers: Sequence[keras.layers.Layer], call: Callable[[tf.Tensor], tf.Tensor], inputs: tf.Tensor
) -> tf.Tensor:
    """Calls layers, keeping only their input for the backward pass.

    Args:
        layers: All that `call` uses.
        call: Maps the input to the output; may assign the layers' variables.
        inputs: A tensor.

    Returns:
        What `call` gives. Its gradients reach `inputs` and the layers' trainable variables.
    """
    trained = [variable for layer in layers for variable in layer.trainable_variables]
    others = [variable for layer in layers for variable in layer.non_trainable_variables]

    def run(images: tf.Tensor, values: Sequence[Any]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        kept = [tf.convert_to_tensor(variable.value) for variable in others]
        mapping = list(zip([*trained, *others], [*values, *kept], strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = call(images)
        return outputs, [tf.stop_gradient(scope.get_current_value(v)) for v in others]

    @tf.custom_gradient
    def forward(images: tf.Tensor, *values: tf.Tensor) -> tuple[Any, Callable[..., Any]]:
        outputs, states = run(images, values)

        def backward(upstream: tf.Tensor, *_: tf.Tensor, variables: Any = None) -> Any:
            # Waiting for the gradient keeps the second computation from running beside the first,
            # and from being merged with it.
            with tf.control_dependencies([upstream]):
                again = [tf.identity(tensor) for tensor in [images, *values]]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(again)
                outputs_again = run(again[0], again[1:])[0]
            gradients = tape.gradient(
                outputs_again, again, output_gradients=upstream, unconnected_gradients="zero"
            )
            # TensorFlow names the variables behind `values` once more; theirs are in the list.
            return gradients if variables is None else (gradients, [None] * len(variables))

        return (outputs, *states), backward

    outputs, *states = forward(inputs, *(tf.convert_to_tensor(v.value) for v in trained))
    for variable, state in zip(others, states, strict=True):
        # Frozen kernels come back as they went in.
        if "running" in variable.name:
            variable.assign(state)
    return outputs
