"""SIREN (Sitzmann et al. 2020): one network a signal, fitted from coordinates to values.

papergarden run siren_pipeline --set task=inpainting --data-root photograph.jpg
"""

from __future__ import annotations

import json
from typing import cast

from tfx.orchestration.pipeline import Pipeline

from components.example_gens.signal_example_gen import SignalExampleGen
from pipelines.configs.paper_config import ResolvedConfig
from pipelines.configs.siren import SirenConfig
from pipelines.paper_pipeline import PaperParts, RunPlace, create_paper_pipeline, section
from schemas import schema_path

# The records of other tasks hold one picture.
SCHEMAS = {
    "audio": "signal_audio",
    "inpainting": "signal_inpainting",
    "poisson_editing": "signal_editing",
}


def create_pipeline(place: RunPlace, resolved: ResolvedConfig) -> Pipeline:
    """The SIREN pipeline for one signal, whichever task the configuration names."""
    config = cast(SirenConfig, resolved.config)
    task = config.experiment.task
    data = {"task": task, **section(resolved, "data")}
    parts = PaperParts(
        name="siren_pipeline",
        paper="siren",
        example_gen=SignalExampleGen(place.data_root, data),
        example_gen_module="components.example_gens.signal_example_gen",
        schema=schema_path(SCHEMAS.get(task, "signal_image")),
        transform_module="components.transforms.siren",
        transform_config=data,
        trainer_config={
            name: section(resolved, name) for name in ("experiment", "data", "network", "training")
        },
        evaluation=config.evaluation,
        evaluation_protocol=json.dumps(data, sort_keys=True),
    )
    return create_paper_pipeline(parts, place, resolved)
