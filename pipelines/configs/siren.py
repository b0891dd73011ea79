"""SIREN's configuration.

    papergarden run siren_pipeline --preset sample --set task=image

| preset | hardware | time | score | paper |
|---|---|---|---|---|
| smoke  | 2 CPU cores | 1 minute  | none to speak of: it shows that everything works | - |
| sample | 2 CPU cores | 3 minutes | image: PSNR >= 30 dB | figure 1, at a smaller size |
| paper  | 1 GPU       | hours     | image: about 50 dB after 15,000 steps (unverified) | figure 1 |

`task` is one of image, inpainting, audio, poisson_gradient, poisson_laplacian, poisson_editing and
video; sizes, steps and metrics follow from it. The numbers of `paper` are those of the authors'
scripts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.evaluators.evaluation_config import EvaluationConfig, Gate
from components.example_gens.signal_config import SignalDataConfig
from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.training_config import TrainingConfig
from pipelines.configs.paper_config import PaperConfig, Preset

# Rows and columns of the picture, and steps, of each preset.
SIDES: dict[Preset, dict[str, int]] = {
    "smoke": {},
    "sample": {"video": 64, "poisson_gradient": 96, "poisson_laplacian": 64, "poisson_editing": 96},
    "paper": {"poisson_gradient": 256, "poisson_laplacian": 256},
}
DEFAULT_SIDES: dict[Preset, int] = {"smoke": 24, "sample": 128, "paper": 512}
STEPS: dict[Preset, dict[str, int]] = {
    "smoke": {},
    "sample": {"poisson_laplacian": 300, "audio": 600},
    "paper": {"audio": 9_001, "video": 100_000},
}
DEFAULT_STEPS: dict[Preset, int] = {"smoke": 30, "sample": 400, "paper": 10_000}
# The share of a film's pixels that a step draws; the paper's is that of train_video.py.
VIDEO_SAMPLE_FRACTIONS: dict[Preset, float] = {"smoke": 0.1, "sample": 0.1, "paper": 38e-4}

# What a model must reach to be pushed; the paper states a number for the picture alone.
MINIMUM_PSNR: dict[Preset, dict[str, float]] = {
    "smoke": {},
    "sample": {"image": 30.0},
    "paper": {"image": 35.0},
}


class SirenConfig(PaperConfig):
    """Everything that can be set about a SIREN run."""

    experiment: SirenExperiment = SirenExperiment()
    data: SignalDataConfig = SignalDataConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @classmethod
    def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> SirenConfig:
        """The preset's values for the task that the overrides name."""
        task = overrides.get("experiment.task", SirenExperiment.task)
        side = SIDES[name].get(task, DEFAULT_SIDES[name])
        steps = STEPS[name].get(task, DEFAULT_STEPS[name])
        gray = task in ("poisson_gradient", "poisson_laplacian") or name == "paper"
        width = 32 if name == "smoke" else 1024 if (name, task) == ("paper", "video") else 256
        return cls(
            experiment=SirenExperiment(
                task=task, sample_fraction=VIDEO_SAMPLE_FRACTIONS[name] if task == "video" else 1.0
            ),
            data=SignalDataConfig(
                height=side, width=side, channels=1 if gray and task != "video" else 3
            ),
            network=NetworkConfig(hidden_features=width),
            training=TrainingConfig(
                steps=steps,
                checkpoint_every_steps=10 if name == "smoke" else 100,
                summary_every_steps=5 if name == "smoke" else 25 if name == "sample" else 100,
            ),
            evaluation=_evaluation(task, MINIMUM_PSNR[name].get(task)),
        )

    def derived(self, given: frozenset[str]) -> SirenConfig:
        """Inputs and outputs of the network follow from the task and the channels."""
        outputs = 1 if self.experiment.task == "audio" else self.data.channels
        network = self.network
        if "network.in_features" not in given:
            network = replace(network, in_features=self.experiment.coordinate_axes)
        if "network.out_features" not in given:
            network = replace(network, out_features=outputs)
        return self.model_copy(update={"network": network})


def _evaluation(task: str, minimum_psnr: float | None) -> EvaluationConfig:
    """Metrics of a task; without a number of the paper's, any finite score may be pushed."""
    if task == "audio":
        return EvaluationConfig(metrics=("snr", "mse"), gates={"snr": Gate(minimum=0.0)})
    # A refit of the same signal may differ by its seed, not by more.
    gate = Gate(minimum=5.0 if minimum_psnr is None else minimum_psnr, max_drop=1.0)
    return EvaluationConfig(metrics=("psnr", "ssim", "mse"), gates={"psnr": gate})
