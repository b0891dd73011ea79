"""The papers that can be run. To add one, add its line here; nothing else lists them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from components.errors import ConfigError


@dataclass(frozen=True)
class PaperEntry:
    """Where a paper's parts are, as dotted paths: nothing heavy is imported to list them.

    Attributes:
        title: The paper, for listings.
        config: Its `PaperConfig`, `module:class`.
        pipeline: `module:function` that builds its TFX pipeline.
        sample_data: `module:function(config, directory) -> path`, for runs that name no data.
    """

    title: str
    config: str
    pipeline: str
    sample_data: str

    def load_config(self) -> type[Any]:
        """The paper's configuration class; imports no TFX."""
        return _load(self.config)

    def load_pipeline(self) -> Callable[..., Any]:
        """The function that builds the paper's pipeline; imports TFX."""
        return _load(self.pipeline)

    def load_sample_data(self) -> Callable[..., Any]:
        """The function that makes or finds the paper's sample data."""
        return _load(self.sample_data)


PIPELINES: Mapping[str, PaperEntry] = {
    "detr_pipeline": PaperEntry(
        title="DETR: End-to-End Object Detection with Transformers (2020)",
        config="pipelines.configs.detr:DetrConfig",
        pipeline="pipelines.detr_pipeline:create_pipeline",
        sample_data="components.example_gens.sample_coco:sample_coco",
    ),
    "finegan_pipeline": PaperEntry(
        title="FineGAN: Unsupervised Hierarchical Disentanglement (2019)",
        config="pipelines.configs.finegan:FineGanConfig",
        pipeline="pipelines.finegan_pipeline:create_pipeline",
        sample_data="components.example_gens.sample_cub:sample_cub",
    ),
    "only_bn_pipeline": PaperEntry(
        title="Only-BN: Training BatchNorm and Only BatchNorm (2021)",
        config="pipelines.configs.only_bn:OnlyBatchNormConfig",
        pipeline="pipelines.only_bn_pipeline:create_pipeline",
        sample_data="components.example_gens.digits_as_cifar:sample_digits",
    ),
    "siren_pipeline": PaperEntry(
        title="SIREN: Implicit Neural Representations with Periodic Activation Functions (2020)",
        config="pipelines.configs.siren:SirenConfig",
        pipeline="pipelines.siren_pipeline:create_pipeline",
        sample_data="components.example_gens.sample_signals:sample_signal",
    ),
}


def find_pipeline(name: str) -> PaperEntry:
    """The registered pipeline of that name.

    Raises:
        ConfigError: If there is none.
    """
    if name not in PIPELINES:
        raise ConfigError(
            "no such pipeline",
            found=name,
            expected=" | ".join(PIPELINES),
            fix="`papergarden list` shows what can be run",
        )
    return PIPELINES[name]


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
