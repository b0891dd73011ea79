"""The four networks of FineGAN (arXiv 1811.11155), made together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np

from components.trainers.finegan.discriminators import CodeDiscriminator, PatchDiscriminator
from components.trainers.finegan.generator import Generator, build_generator
from components.trainers.finegan.initial_values import InitialValues
from components.trainers.finegan.network_config import NetworkConfig


@dataclass(frozen=True)
class FineGan:
    """The generator and its discriminators.

    Attributes:
        config: Their shape.
        generator: G.
        background_discriminator: D0.
        parent_discriminator: D1.
        child_discriminator: D2.
    """

    config: NetworkConfig
    generator: Generator
    background_discriminator: PatchDiscriminator
    parent_discriminator: CodeDiscriminator
    child_discriminator: CodeDiscriminator

    @property
    def networks(self) -> Mapping[str, keras.Model]:
        """The four by the authors' names."""
        return {
            "G": self.generator,
            "D0": self.background_discriminator,
            "D1": self.parent_discriminator,
            "D2": self.child_discriminator,
        }


def build_model(config: NetworkConfig, seed: int = 0, precision: str = "float32") -> FineGan:
    """The networks with their initial weights.

    Args:
        config: Their shape.
        seed: Determines every weight.
        precision: Keras' dtype policy; variables are float32 under each.
    """
    background, parent, child = (InitialValues((seed, number)) for number in (1, 2, 3))
    return FineGan(
        config,
        build_generator(config, seed, precision),
        PatchDiscriminator(config, background, precision),
        CodeDiscriminator(config, config.parents, parent, precision),
        CodeDiscriminator(config, config.children, child, precision),
    )


def count_parameters(models: FineGan) -> dict[str, int]:
    """Trained parameters of each network, by the authors' names."""
    return {
        name: sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
        for name, network in models.networks.items()
    }
