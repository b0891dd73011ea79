"""FineGAN (Singh et al. 2019): backgrounds, parents and children, made apart and laid together.

papergarden run finegan_pipeline --preset paper --data-root CUB_200_2011
"""

from __future__ import annotations

import json
from typing import cast

from tfx.orchestration.pipeline import Pipeline

from components.example_gens.boxed_image_example_gen import BoxedImageExampleGen
from pipelines.configs.finegan import FineGanConfig
from pipelines.configs.paper_config import ResolvedConfig
from pipelines.paper_pipeline import PaperParts, RunPlace, create_paper_pipeline, section
from schemas import schema_path


def create_pipeline(place: RunPlace, resolved: ResolvedConfig) -> Pipeline:
    """The FineGAN pipeline for the data set that the configuration names."""
    config = cast(FineGanConfig, resolved.config)
    data, generated_images = section(resolved, "data"), section(resolved, "generated_images")
    parts = PaperParts(
        name="finegan_pipeline",
        paper="finegan",
        example_gen=BoxedImageExampleGen(place.data_root, data),
        example_gen_module=BoxedImageExampleGen.__module__,
        schema=schema_path(config.data.dataset),
        transform_module="components.transforms.finegan",
        transform_config=data,
        trainer_config={
            **{
                name: section(resolved, name)
                for name in ("experiment", "data", "network", "training")
            },
            # Of the measurement training needs this alone: another feature network trains nothing.
            "generated_images": {"images_per_child": generated_images["images_per_child"]},
        },
        evaluation=config.evaluation,
        metric_options=config.generated_images.metric_options(config.evaluation.metrics),
        # Whatever measures: it measures the baseline too.
        evaluation_protocol=json.dumps(data, sort_keys=True),
    )
    return create_paper_pipeline(parts, place, resolved)
