"""Models, losses and metrics work where only TensorFlow, Keras and numpy are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# What the extras bring and the base install lacks.
BLOCKED = (
    "apache_beam",
    "jinja2",
    "kfp",
    "matplotlib",
    "ml_metadata",
    "PIL",
    "pydantic",
    "safetensors",
    "scipy",
    "sklearn",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tfx",
    "tfx_bsl",
    "typer",
)

# Beside them are the wrappers that TFMA and TFX call; those need the pipeline stack.
METRIC_CORES = (
    "components.evaluators.audio_quality",
    "components.evaluators.average_precision",
    "components.evaluators.evaluate_signature",
    "components.evaluators.evaluation_config",
    "components.evaluators.image_quality",
    "components.evaluators.image_regions",
    "components.evaluators.panoptic_matching",
    "components.evaluators.paper_results",
    "components.evaluators.squared_error",
)

PROGRAM = """
import importlib
import importlib.abc
import pkgutil
import sys

BLOCKED, METRIC_CORES = {blocked!r}, {cores!r}


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {{name!r}} (base install)", name=name)
        return None


sys.meta_path.insert(0, Blocker())

import components.trainers

modules = [
    module.name
    for module in pkgutil.walk_packages(components.trainers.__path__, "components.trainers.")
]
assert "components.trainers.siren.task" in modules
assert "components.trainers.training_loop" in modules
for name in (*modules, *METRIC_CORES):
    importlib.import_module(name)

import numpy as np

from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.task import SirenTask
from components.trainers.training_config import TrainingConfig

values = np.linspace(-1, 1, 48, dtype=np.float32).reshape(1, 6, 8, 1)
network = NetworkConfig(hidden_features=8)
task = SirenTask(SirenExperiment(), network, TrainingConfig(), {{"signal/values": values}})
batch = next(iter(task.dataset(0)))
first = float(task.train_step(batch)["loss"])
for _ in range(5):
    last = float(task.train_step(batch)["loss"])
assert last < first, (first, last)
assert task.summarize(6).scalars["psnr"] > 0
"""


def test_everything_pure_imports_and_trains_without_the_pipeline_stack(project_dir: Path) -> None:
    program = PROGRAM.format(blocked=BLOCKED, cores=METRIC_CORES)
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project_dir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
