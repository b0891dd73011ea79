"""The section `network` of FineGAN's configuration; free of TensorFlow, for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from components.errors import ConfigError

FIRST_SIDE = 4
SMALLEST_IMAGE = 32
# Widths stop doubling towards the generator's 4 x 4 features here, as in the authors' 16 * GF_DIM.
WIDEST = 16
# A discriminator's first halvings, which end at 8 * DF_DIM channels.
PLAIN_HALVINGS = 4
# The background discriminator sees a crop smaller by this: 126 beside 128, so that its patches fit.
BACKGROUND_MARGIN = 2


@dataclass(frozen=True)
class PatchGeometry:
    """Which pixels the background discriminator's patches see.

    Attributes:
        image_size: Side of its input, pixels.
        receptive_field: Side of a patch, pixels.
        stride: Pixels from a patch to the next.
        patches: Patches an axis; the last one ends with the input.
    """

    image_size: int
    receptive_field: int
    stride: int
    patches: int


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of the generator and of the three discriminators.

    Attributes:
        image_size: Side of the pictures, pixels; 4 * 2^n, at least 32.
        generator_width: Channels of the first stage's features (GF_DIM).
        discriminator_width: Channels after a discriminator's first convolution (DF_DIM).
        noise_size: Length of the noise vector z.
        parents: Parent codes (super categories).
        children: Child codes (fine-grained categories).
        backgrounds: Background codes; None takes the children's number, as the authors do.
        residual_blocks: Of the parent and of the child stage each (R_NUM).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    image_size: int = 128
    generator_width: int = 64
    discriminator_width: int = 64
    noise_size: int = 100
    parents: int = 20
    children: int = 200
    backgrounds: int | None = None
    residual_blocks: int = 2

    def __post_init__(self) -> None:
        """Refuses shapes that the networks cannot have.

        Raises:
            ConfigError: A size or a number is out of range.
        """
        doublings = (self.image_size // FIRST_SIDE).bit_length() - 1
        if self.image_size < SMALLEST_IMAGE or FIRST_SIDE << doublings != self.image_size:
            raise ConfigError(
                "network.image_size is not a side that the generator can reach",
                found=self.image_size,
                expected=f"4 * 2^n, at least {SMALLEST_IMAGE}: 32, 64, 128, 256, …",
            )
        if self.generator_width < 4 or self.generator_width % 4:
            raise ConfigError(
                "network.generator_width cannot be halved twice",
                found=self.generator_width,
                expected="a multiple of 4",
            )
        at_least = {
            "discriminator_width": 1,
            "noise_size": 1,
            "parents": 1,
            "children": self.parents,
            "num_backgrounds": 1,
            "residual_blocks": 0,
        }
        for name, smallest in at_least.items():
            if getattr(self, name) < smallest:
                raise ConfigError(
                    f"network.{name.removeprefix('num_')} is too small",
                    found=getattr(self, name),
                    expected=f"{smallest} or more",
                )

    @property
    def num_backgrounds(self) -> int:
        """Background codes."""
        return self.children if self.backgrounds is None else self.backgrounds

    @property
    def doublings(self) -> int:
        """Times that the generator doubles the side, from 4 pixels."""
        return (self.image_size // FIRST_SIDE).bit_length() - 1

    @property
    def generator_channels(self) -> tuple[int, ...]:
        """Channels at 4 x 4 and after each doubling; 1024, 512, 256, 128, 64, 64 at 128 pixels."""
        narrowing = min(self.doublings - 1, WIDEST.bit_length() - 1)
        factors = [1 << max(0, narrowing - index) for index in range(self.doublings + 1)]
        return tuple(self.generator_width * factor for factor in factors)

    @property
    def discriminator_channels(self) -> tuple[int, ...]:
        """Channels after each halving down to 4 x 4; 64, 128, 256, 512, 1024 at 128 pixels."""
        return tuple(self.discriminator_width << index for index in range(self.doublings))

    @property
    def narrowing_channels(self) -> tuple[int, ...]:
        """Channels of the 3 x 3 convolutions behind them; 512 at 128 pixels."""
        extra = max(0, self.doublings - PLAIN_HALVINGS)
        return tuple(self.discriminator_channels[-1] >> index for index in range(1, extra + 1))

    @property
    def background_size(self) -> int:
        """Side of the background discriminator's input, pixels; 126 beside 128."""
        return self.image_size - BACKGROUND_MARGIN

    @property
    def patch_strides(self) -> tuple[int, int, int]:
        """Strides of the background discriminator; pictures of 32 pixels are halved once only."""
        return (2, 2, 1) if self.image_size > SMALLEST_IMAGE else (2, 1, 1)

    @property
    def patch_geometry(self) -> PatchGeometry:
        """What its patches see: 34 pixels in steps of 4, 24 x 24 of them, at 128 pixels."""
        field, jump = 1, 1
        for stride in (*self.patch_strides, 1):
            field, jump = field + 3 * jump, jump * stride
        patches = (self.background_size - field) // jump + 1
        return PatchGeometry(self.background_size, field, jump, patches)
