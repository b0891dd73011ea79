"""SIREN: a fully connected network with sine activations, from coordinates to values.

Source: Sitzmann et al., NeurIPS 2020, sections 3.1 and 3.2; the authors' modules.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import tensorflow as tf

from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.positional_encodings import NerfEncoding, RbfEncoding
from components.trainers.siren.random_streams import Purpose, normal, stream_seed, uniform

# Keeps the variance of an ELU network; the constant stands in the authors' `init_weights_elu`.
ELU_GAIN = math.sqrt(1.5505188080679277)

BASELINES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "selu": tf.nn.selu,
    "elu": tf.nn.elu,
    "softplus": tf.nn.softplus,
}


class CoordinateLayer(keras.layers.Layer):
    """One linear layer and what follows it: a sine, a baseline's nonlinearity, or nothing.

    Args:
        in_features: Values a point coming in.
        out_features: Values a point going out.
        index: Number of the layer in the network; its weights' random stream.
        config: The network's shape.
        is_last: The last layer has no nonlinearity.
        seed: The run's seed.
        dtype: Keras dtype policy.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        index: int,
        config: NetworkConfig,
        is_last: bool,
        seed: int,
        dtype: str,
    ) -> None:
        # Without autocast, omega * kernel is rounded to a narrow type once, not twice.
        super().__init__(name=f"layer_{index}", dtype=dtype, autocast=False)
        self.nonlinearity = "none" if is_last else config.nonlinearity
        self.omega = config.first_omega if index == 0 else config.hidden_omega
        # Multiplying omega into the few weights instead of the many sums saves one pass over
        # [points, features] forward and one backward. Not in the first layer: phases of audio reach
        # 3000 rad, where rounding in another order than the authors' shows in the fourth digit.
        self.scales_weights = self.nonlinearity == "sine" and index > 0

        def draw_kernel(shape: tuple[int, ...], dtype: str) -> tf.Tensor:
            return _initial_kernel(shape, index, config, seed, dtype)

        def draw_bias(shape: tuple[int, ...], dtype: str) -> tf.Tensor:
            # Not zeros: the first layer's biases, times omega, are the phases of the sines.
            bound = 1.0 / math.sqrt(in_features)
            return uniform(shape, bound, stream_seed(seed, Purpose.BIAS, index), dtype)

        self.kernel = self.add_weight(
            shape=(in_features, out_features), initializer=draw_kernel, name="kernel"
        )
        self.bias = self.add_weight(shape=(out_features,), initializer=draw_bias, name="bias")
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Applies the layer.

        Args:
            inputs: `[..., in_features]`.

        Returns:
            `[..., out_features]` in the layer's compute dtype.
        """
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        if self.scales_weights:
            kernel, bias = self.omega * kernel, self.omega * bias
        kernel, bias = tf.cast(kernel, self.compute_dtype), tf.cast(bias, self.compute_dtype)
        sums = tf.nn.bias_add(tf.matmul(tf.cast(inputs, self.compute_dtype), kernel), bias)
        if self.nonlinearity == "sine":
            return tf.sin(sums if self.scales_weights else self.omega * sums)
        return BASELINES[self.nonlinearity](sums) if self.nonlinearity != "none" else sums


class CoordinateNetwork(keras.Model):
    """The network: an optional encoding, then `hidden_layers + 2` linear layers.

    Args:
        config: The network's shape.
        seed: The run's seed.
        dtype: Keras dtype policy of the hidden layers. The encoding, the first layer (whose phases
            reach 50 rad) and the last one (whose values are compared with the signal) stay float32.
    """

    def __init__(self, config: NetworkConfig, seed: int, dtype: str) -> None:
        super().__init__(name="siren", dtype="float32")
        self.config = config
        self.encoding = _encoding(config, seed)
        encoded = self.encoding.out_features if self.encoding else config.in_features
        widths = [encoded, *[config.hidden_features] * (config.hidden_layers + 1)]
        widths.append(config.out_features)
        last = len(widths) - 2
        self.linear_layers = [
            CoordinateLayer(
                widths[index],
                widths[index + 1],
                index=index,
                config=config,
                is_last=index == last,
                seed=seed,
                dtype="float32" if index in (0, last) else dtype,
            )
            for index in range(last + 1)
        ]
        self.built = True

    def call(self, coordinates: tf.Tensor) -> tf.Tensor:
        """Evaluates the represented signal.

        Args:
            coordinates: `[..., in_features]`, float32.

        Returns:
            `[..., out_features]`, float32.
        """
        values = self.encoding(coordinates) if self.encoding else coordinates
        for layer in self.linear_layers:
            values = layer(values)
        return values


def build_model(config: NetworkConfig, seed: int = 0, dtype: str = "float32") -> keras.Model:
    """Builds a network whose weights are a function of (config, seed) alone.

    Args:
        config: The network's shape.
        seed: The run's seed.
        dtype: Keras dtype policy of the hidden layers, such as `mixed_bfloat16`; the weights are
            float32 in each of them.

    Returns:
        A model from `[..., in_features]` to `[..., out_features]`.
    """
    return CoordinateNetwork(config, seed, dtype)


def _encoding(config: NetworkConfig, seed: int) -> NerfEncoding | RbfEncoding | None:
    if config.encoding == "nerf":
        return NerfEncoding(config.in_features, config.encoding_samples)
    if config.encoding == "rbf":
        return RbfEncoding(config.in_features, config.rbf_centres, seed)
    return None


def _initial_kernel(
    shape: tuple[int, ...], index: int, config: NetworkConfig, seed: int, dtype: str
) -> tf.Tensor:
    """Draws a kernel `[in_features, out_features]` (paper, section 3.2 and supplement 1.5)."""
    fan_in, fan_out = shape
    stream = stream_seed(seed, Purpose.KERNEL, index)
    if config.nonlinearity == "sine":
        first, other = 1.0 / fan_in, math.sqrt(6.0 / fan_in) / config.hidden_omega
        return uniform(shape, first if index == 0 else other, stream, dtype)
    if config.nonlinearity in ("tanh", "sigmoid"):
        return normal(shape, math.sqrt(2.0 / (fan_in + fan_out)), stream, dtype)
    gain = {"selu": 1.0, "elu": ELU_GAIN}.get(config.nonlinearity, math.sqrt(2.0))
    return normal(shape, gain / math.sqrt(fan_in), stream, dtype)
