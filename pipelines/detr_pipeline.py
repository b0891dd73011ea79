"""DETR (Carion et al. 2020): objects as a set, found by queries; and a mask for each of them.

papergarden run detr_pipeline --preset paper --data-root COCO
papergarden run detr_pipeline --preset paper --data-root COCO --set task=panoptic
"""

from __future__ import annotations

import json
from typing import cast

from tfx.orchestration.pipeline import Pipeline

from components.example_gens.coco_example_gen import CocoExampleGen
from components.trainers.detr.experiment import BLESSED
from pipelines.configs.detr import DetrConfig
from pipelines.configs.paper_config import ResolvedConfig
from pipelines.paper_pipeline import (
    BaseModel,
    PaperParts,
    RunPlace,
    create_paper_pipeline,
    section,
)
from schemas import schema_path


def create_pipeline(place: RunPlace, resolved: ResolvedConfig) -> Pipeline:
    """The DETR pipeline for the task that the configuration names."""
    config, data = cast(DetrConfig, resolved.config), section(resolved, "data")
    blessed = config.experiment.detector == BLESSED
    # Records hold boxes and masks for either task: the second stage finds those of the first.
    detection = {**data, "task": "detection"}
    parts = PaperParts(
        name="detr_pipeline",
        paper="detr",
        example_gen=CocoExampleGen(place.data_root, detection),
        example_gen_module=CocoExampleGen.__module__,
        schema=schema_path(config.data.dataset),
        transform_module="components.transforms.detr",
        transform_config=data,
        trainer_config={
            name: section(resolved, name) for name in ("experiment", "data", "network", "training")
        },
        evaluation=config.evaluation,
        evaluation_protocol=json.dumps(data, sort_keys=True),
        base_model=BaseModel(
            protocol=json.dumps(detection, sort_keys=True) if blessed else "",
            fix="run the same with --set task=detection first, until its model is blessed; or "
            "--set detector=PATH, or detector=none to train detector and masks together",
        ),
    )
    return create_paper_pipeline(parts, place, resolved)
