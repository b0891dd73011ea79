"""The section `network` of SIREN's configuration; free of TensorFlow, for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.errors import ConfigError

Nonlinearity = Literal["sine", "relu", "tanh", "sigmoid", "selu", "elu", "softplus"]
Encoding = Literal["none", "nerf", "rbf"]


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a network.

    Attributes:
        in_features: Coordinates a point: 1 for audio, 2 for images, 3 for video and surfaces.
        out_features: Values a point.
        hidden_features: Width of every hidden layer.
        hidden_layers: Square layers between the first and the last one; 3 makes five linear layers.
        first_omega: Factor inside the first layer's sine (omega_0). The notebook takes 3000 for
            audio on [-1, 1].
        hidden_omega: Factor inside the other sines.
        nonlinearity: `sine`, or one of the paper's baselines.
        encoding: Positional encoding of the coordinates, for the baselines.
        encoding_samples: Samples along the signal's shorter axis, which bound NeRF's octaves.
        rbf_centres: Radial basis functions of the encoding `rbf`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    in_features: int = 2
    out_features: int = 1
    hidden_features: int = 256
    hidden_layers: int = 3
    first_omega: float = 30.0
    hidden_omega: float = 30.0
    nonlinearity: Nonlinearity = "sine"
    encoding: Encoding = "none"
    encoding_samples: int = 256
    rbf_centres: int = 1024

    def __post_init__(self) -> None:
        """Refuses sizes that no network can have.

        Raises:
            ConfigError: A size or a factor is not positive.
        """
        sizes = ("in_features", "out_features", "hidden_features", "rbf_centres")
        for name in (*sizes, "first_omega", "hidden_omega"):
            if getattr(self, name) <= 0:
                raise ConfigError(
                    f"network.{name} must be positive", found=getattr(self, name), expected="> 0"
                )
        if self.hidden_layers < 0:
            raise ConfigError(
                "network.hidden_layers cannot be negative",
                found=self.hidden_layers,
                expected=">= 0",
            )
