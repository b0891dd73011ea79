"""The section `experiment` of DETR's configuration: the recipe; free of TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from components.errors import ConfigError
from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.network_config import NetworkConfig

# Of the paper: 8 GPUs of 2 images.
PAPER_BATCH = 16
# What `detector` says for the latest blessed one that the metadata store knows.
BLESSED = "blessed"


@dataclass(frozen=True)
class DetrExperiment:
    """How the network is trained. The defaults are the authors' for COCO.

    The rate itself is `training.learning_rate`, 1e-4; the gradients' norm is limited by
    `training.clip_norm`, 0.1; `training.accumulation_steps` cuts a batch that memory cannot hold.

    Attributes:
        batch_size: Images an update, of all replicas and parts; the records left over at the end of
            an epoch are not used.
        detector: For the mask head: the trained detector, which does not change. `blessed`: the
            latest blessed one of the same data, as the metadata store has it. Or a SavedModel
            that this paper's pipeline pushed, or the folder of its versions, of which the newest
            is taken, or weights (.safetensors, .npz). None: it trains together with the mask head.
        backbone: For a detector that begins: weights of an ImageNet ResNet under torchvision's
            names, or of a whole detector to go on from (.safetensors, .npz, SavedModel).
        backbone_learning_rate: Of the backbone; it falls with the other one.
        weight_decay: AdamW's, of every variable.
        drop_epoch: Epoch at whose start the rates fall; 400 for the released models (of 500
            epochs), 15 for the mask head (of 25). 0: never.
        drop_factor: What they are multiplied by.
        class_weight: Of the cross-entropy, and of a class in the matching.
        box_weight: Of the boxes' L1 distance, likewise.
        overlap_weight: Of the boxes' generalized IoU, likewise.
        mask_weight: Of the masks' focal loss.
        dice_weight: Of the masks' dice loss.
        no_object_weight: Of the class "no object" in the cross-entropy.
        summary_images: Test images on which the curves `eval_…` and the pictures are made.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    batch_size: int = PAPER_BATCH
    detector: str | None = None
    backbone: str | None = None
    backbone_learning_rate: float = 1e-5
    weight_decay: float = 1e-4
    drop_epoch: int = 200
    drop_factor: float = 0.1
    class_weight: float = 1.0
    box_weight: float = 5.0
    overlap_weight: float = 2.0
    mask_weight: float = 1.0
    dice_weight: float = 1.0
    no_object_weight: float = 0.1
    summary_images: int = 4

    def __post_init__(self) -> None:
        """Refuses values out of range.

        Raises:
            ConfigError: A value or a combination cannot be used.
        """
        at_least = {
            "batch_size": 1,
            "summary_images": 0,
            "drop_epoch": 0,
            "backbone_learning_rate": 0.0,
            "weight_decay": 0.0,
            "class_weight": 0.0,
            "box_weight": 0.0,
            "overlap_weight": 0.0,
            "mask_weight": 0.0,
            "dice_weight": 0.0,
        }
        for name, smallest in at_least.items():
            if getattr(self, name) < smallest:
                raise ConfigError(
                    f"experiment.{name} is too small",
                    found=getattr(self, name),
                    expected=f"{smallest} or more",
                )
        for name in ("drop_factor", "no_object_weight"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ConfigError(
                    f"experiment.{name} is out of range",
                    found=getattr(self, name),
                    expected="above 0, at most 1",
                )
        if self.detector is not None and self.backbone is not None:
            raise ConfigError(
                "experiment.detector and experiment.backbone are both given",
                found=f"{self.detector} and {self.backbone}",
                expected="one of them: a detector has its backbone",
            )

    @property
    def frozen_detector(self) -> bool:
        """Whether the mask head alone trains."""
        return self.detector is not None

    @property
    def loss_weights(self) -> LossWeights:
        """The weights of losses and costs."""
        return LossWeights(
            classification=self.class_weight,
            box=self.box_weight,
            overlap=self.overlap_weight,
            mask=self.mask_weight,
            dice=self.dice_weight,
            no_object=self.no_object_weight,
        )

    def check_network(self, network: NetworkConfig) -> None:
        """Compares the recipe with the network.

        Raises:
            ConfigError: A detector is given to a network without a mask head.
        """
        if self.detector is not None and not network.masks:
            raise ConfigError(
                "experiment.detector is what a mask head builds on, and this network has none",
                found=self.detector,
                fix="--set task=panoptic, or experiment.backbone to go on from weights",
            )
