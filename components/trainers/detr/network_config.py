"""The section `network` of DETR's configuration; free of TensorFlow, for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.errors import ConfigError

# Blocks of the four segments; torchvision's resnet.py.
RESNET_BLOCKS: dict[str, tuple[int, int, int, int]] = {
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
EXPANSION = 4
# Positions that the learned encoding knows, an axis.
LEARNED_POSITIONS = 50
# The mask head narrows hidden features to a sixteenth, and its GroupNorms have so many groups.
MASK_GROUPS = 8
NARROWEST_MASK = 16


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of DETR and of its backbone. The defaults are the paper's DETR-R50 for COCO.

    Attributes:
        backbone: Blocks of the ResNet's four segments; ResNet v1.5, with bottlenecks.
        backbone_blocks: Other numbers of blocks; empty takes those of `backbone`.
        backbone_channels: Channels of the stem; the segments end with 4, 8, 16, 32 times as many.
        bottleneck_width: Channels inside the first segment's bottlenecks (torchvision's
            width_per_group); they double from segment to segment. None takes `backbone_channels`.
        dc5: The last segment keeps its input's resolution and is dilated instead (DETR-DC5).
        first_trained_segment: The backbone trains from this segment on: 2 as in the paper, 0 with
            its stem, 5 not at all.
        norms_trained: Whether factor and offset of the frozen BatchNorms train where their segment
            does. The paper's never change; a backbone without pre-trained weights needs it.
        hidden: Features of a token.
        heads: Of every attention.
        feed_forward: Features inside the feed-forward layers.
        encoder_layers: At least 1.
        decoder_layers: At least 1.
        queries: Objects that can be found in an image.
        classes: Category ids are below it: 91 for COCO's things, 250 with its stuff. The class
            after them is "no object".
        positions: `sine`, or `learned` (for features of at most 50 x 50).
        dropout: Share of the features that are dropped in training, in [0, 1).
        auxiliary_losses: Whether every decoder layer is trained to predict, not the last alone.
        masks: Whether there is a mask head.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    backbone: Literal["resnet50", "resnet101"] = "resnet50"
    backbone_blocks: tuple[int, ...] = ()
    backbone_channels: int = 64
    bottleneck_width: int | None = None
    dc5: bool = False
    first_trained_segment: int = 2
    norms_trained: bool = False
    hidden: int = 256
    heads: int = 8
    feed_forward: int = 2048
    encoder_layers: int = 6
    decoder_layers: int = 6
    queries: int = 100
    classes: int = 91
    positions: Literal["sine", "learned"] = "sine"
    dropout: float = 0.1
    auxiliary_losses: bool = True
    masks: bool = False

    def __post_init__(self) -> None:
        """Refuses shapes that the network cannot have.

        Raises:
            ConfigError: A size or a number is out of range.
        """
        at_least = {
            "backbone_channels": 1,
            "width": 1,
            "heads": 1,
            "feed_forward": 1,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "queries": 1,
            "classes": 1,
        }
        for name, smallest in at_least.items():
            if getattr(self, name) < smallest:
                raise ConfigError(
                    f"network.{'bottleneck_width' if name == 'width' else name} is too small",
                    found=getattr(self, name),
                    expected=f"{smallest} or more",
                )
        if self.backbone_blocks and (len(self.backbone_blocks) != 4 or min(self.blocks) < 1):
            raise ConfigError(
                "network.backbone_blocks are not those of a ResNet",
                found=list(self.backbone_blocks),
                expected="four numbers of 1 or more, or none",
            )
        if not 0 <= self.first_trained_segment <= 5:
            raise ConfigError(
                "network.first_trained_segment is not a segment",
                found=self.first_trained_segment,
                expected="0 (the stem) to 5 (nothing of the backbone trains)",
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(
                "network.dropout is out of range", found=self.dropout, expected="0 or more, below 1"
            )
        self._check_hidden()

    @property
    def blocks(self) -> tuple[int, ...]:
        """Blocks of each of the backbone's segments."""
        return self.backbone_blocks or RESNET_BLOCKS[self.backbone]

    @property
    def width(self) -> int:
        """Channels inside the first segment's bottlenecks."""
        if self.bottleneck_width is None:
            return self.backbone_channels
        return self.bottleneck_width

    @property
    def segment_channels(self) -> tuple[int, ...]:
        """Channels that the segments end with: 256, 512, 1024, 2048."""
        return tuple(EXPANSION * self.backbone_channels << index for index in range(4))

    @property
    def mask_channels(self) -> tuple[int, ...]:
        """Channels of the mask head's features: 264, 128, 64, 32, 16."""
        return self.hidden + self.heads, *(self.hidden >> shift for shift in range(1, 5))

    def _check_hidden(self) -> None:
        # A sine and a cosine for each axis.
        if self.hidden % self.heads or self.hidden % 4:
            raise ConfigError(
                "network.hidden cannot be divided",
                found=self.hidden,
                expected=f"a multiple of 4 and of the {self.heads} heads",
            )
        odd = [number for number in self.mask_channels if number % MASK_GROUPS]
        if self.masks and odd:
            raise ConfigError(
                "network.hidden and network.heads do not fit the mask head",
                found=f"features of {', '.join(map(str, self.mask_channels))} channels",
                expected=f"multiples of {MASK_GROUPS}, its number of groups",
                fix=f"a multiple of {MASK_GROUPS * NARROWEST_MASK} for hidden, 8 or 16 heads",
            )
