"""Training BatchNorm and Only BatchNorm (Frankle et al. 2021): ResNets of random features.

papergarden run only_bn_pipeline --set network.depth=56 --set network.train=bn --data-root DIR
"""

from __future__ import annotations

import json
from typing import cast

from tfx.orchestration.pipeline import Pipeline

from components.example_gens.cifar_example_gen import CifarExampleGen
from components.example_gens.imagenet_example_gen import ImageNetExampleGen
from components.example_gens.tiny_imagenet_example_gen import TinyImageNetExampleGen
from pipelines.configs.only_bn import OnlyBatchNormConfig
from pipelines.configs.paper_config import ResolvedConfig
from pipelines.paper_pipeline import PaperParts, RunPlace, create_paper_pipeline, section
from schemas import schema_path

EXAMPLE_GENS = {
    "cifar10": CifarExampleGen,
    "imagenet": ImageNetExampleGen,
    "tiny_imagenet": TinyImageNetExampleGen,
}


def create_pipeline(place: RunPlace, resolved: ResolvedConfig) -> Pipeline:
    """The Only-BN pipeline for the data set that the configuration names."""
    config = cast(OnlyBatchNormConfig, resolved.config)
    dataset = config.data.dataset
    data = section(resolved, "data")
    example_gen = EXAMPLE_GENS[dataset]
    parts = PaperParts(
        name="only_bn_pipeline",
        paper="only_bn",
        example_gen=example_gen(place.data_root, data),
        example_gen_module=example_gen.__module__,
        schema=schema_path(dataset),
        transform_module="components.transforms.only_bn",
        transform_config=data,
        trainer_config={
            name: section(resolved, name) for name in ("experiment", "data", "network", "training")
        },
        evaluation=config.evaluation,
        # Networks that differ in what trains are compared: that is the paper's question.
        evaluation_protocol=json.dumps(data, sort_keys=True),
    )
    return create_paper_pipeline(parts, place, resolved)
