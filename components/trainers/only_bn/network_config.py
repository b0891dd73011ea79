"""The section `network` of Only-BN's configuration; free of TensorFlow, for the command line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from components.errors import ConfigError

Family = Literal["cifar", "imagenet"]
Trained = Literal["bn", "all", "all_but_bn", "bn_and_output", "random_subset"]
Convolutions = Literal["full", "separable"]
GammaInitialisation = Literal["uniform", "fixed", "one_one", "positive_negative"]
KernelInitialisation = Literal["kaiming_normal", "kaiming_uniform", "binary", "orthogonal"]

# Blocks of the four segments, and whether they are bottlenecks (torchvision 0.6, resnet.py).
IMAGENET_SEGMENTS: dict[int, tuple[tuple[int, int, int, int], bool]] = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
    200: ((3, 24, 36, 3), True),
}
# From this depth on, a batch of 128 keeps gigabytes of activations unless they are recomputed.
RECOMPUTED_FROM_DEPTH = 434


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a ResNet and what of it trains.

    Attributes:
        family: `cifar` (three segments of basic blocks) or `imagenet` (torchvision's ResNet).
        depth: Layers: 6 D + 2 for `cifar` (the paper's 14, 32, 56, 110, 218, 434, 866), else one
            of `IMAGENET_SEGMENTS`.
        width: Channels of the first segment: 16 for `cifar` (32 … 512 are the paper's wide
            ResNet-14s), 64 for `imagenet`. None takes these.
        classes: Labels to tell apart.
        train: `bn`, every gamma and beta and nothing else; `all`; `all_but_bn`, everything except
            them (BatchNorm normalises and keeps its running statistics as ever; gammas that never
            change had better be `fixed`); `bn_and_output`; or `random_subset`, the paper's control:
            two randomly chosen weights for each of a convolution's output channels, as many as
            BatchNorm has there, and BatchNorm frozen.
        gamma: How gamma and beta start: `uniform` U(0, 1) and 0, `fixed` 1 and 0, `one_one` 1 and
            1, `positive_negative` U(-1, 1) and 0.
        kernels: How convolutions and the output layer's weights start.
        convolutions: The blocks' 3x3 convolutions: `full`, or `separable` into a depthwise 3x3 and
            a pointwise 1x1 (not the paper's; see `separable.py`).
        blocks_recomputed: Consecutive blocks of which only the input is kept for the backward pass,
            which computes the rest again; 0 keeps everything. None takes the square root of the
            number of blocks for networks of 434 layers and more, 0 for the others.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    family: Family = "cifar"
    depth: int = 14
    width: int | None = None
    classes: int = 10
    train: Trained = "bn"
    gamma: GammaInitialisation = "uniform"
    kernels: KernelInitialisation = "kaiming_normal"
    convolutions: Convolutions = "full"
    blocks_recomputed: int | None = None

    def __post_init__(self) -> None:
        """Refuses shapes that no network can have.

        Raises:
            ConfigError: The depth is not one of the family's, or a size is out of range.
        """
        if self.family == "cifar" and (self.depth < 8 or (self.depth - 2) % 6):
            raise ConfigError(
                "network.depth is not that of a CIFAR ResNet",
                found=self.depth,
                expected="6 D + 2: 14, 20, 32, 56, 110, 218, 434, 866, …",
            )
        if self.family == "imagenet" and self.depth not in IMAGENET_SEGMENTS:
            raise ConfigError(
                "network.depth is not that of an ImageNet ResNet",
                found=self.depth,
                expected=", ".join(str(depth) for depth in IMAGENET_SEGMENTS),
            )
        if self.channels < 1 or self.classes < 2:
            raise ConfigError(
                "network.width or network.classes is too small",
                found=f"{self.channels} channels, {self.classes} classes",
                expected="at least 1 channel and 2 classes",
            )
        if self.blocks_recomputed is not None and self.blocks_recomputed < 0:
            raise ConfigError(
                "network.blocks_recomputed cannot be negative",
                found=self.blocks_recomputed,
                expected="0 or more, or null",
            )

    @property
    def channels(self) -> int:
        """Channels of the first segment."""
        return self.width if self.width is not None else {"cifar": 16, "imagenet": 64}[self.family]

    @property
    def segments(self) -> tuple[int, ...]:
        """Blocks of each segment; the channels double from one to the next."""
        if self.family == "cifar":
            return ((self.depth - 2) // 6,) * 3
        return IMAGENET_SEGMENTS[self.depth][0]

    @property
    def bottleneck(self) -> bool:
        """Whether blocks are 1x1, 3x3, 1x1 with four times the channels at their end."""
        return self.family == "imagenet" and IMAGENET_SEGMENTS[self.depth][1]

    @property
    def trains_norms(self) -> bool:
        """Whether every gamma and beta trains."""
        return self.train in ("bn", "all", "bn_and_output")

    @property
    def trains_kernels(self) -> bool:
        """Whether whole kernels of convolutions train; chosen weights of them are no kernels."""
        return self.train in ("all", "all_but_bn")

    @property
    def trains_output(self) -> bool:
        """Whether the output layer trains."""
        return self.train in ("all", "all_but_bn", "bn_and_output")

    @property
    def blocks_together(self) -> int:
        """Blocks between two kept activations; 0 keeps all."""
        if self.blocks_recomputed is not None:
            return self.blocks_recomputed
        deep = self.depth >= RECOMPUTED_FROM_DEPTH
        return round(math.sqrt(sum(self.segments))) if deep else 0
