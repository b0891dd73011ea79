"""SIREN's configuration.

    papergarden run siren_pipeline --preset sample

| preset | hardware | time | score | paper |
|---|---|---|---|---|
| smoke  | 2 CPU cores | under a minute | none to speak of: it shows that everything works | - |
| sample | 2 CPU cores | about 3 minutes | PSNR >= 30 dB | image fitting, section 4.1 |
| paper  | 1 GPU, or a day of CPU | hours | about 50 dB after 15,000 steps (unverified) | section 4.1 |
"""

from __future__ import annotations

from components.trainers.siren.experiment import SirenExperiment
from components.trainers.siren.model import NetworkConfig

from components.evaluators.evaluation_config import EvaluationConfig
from components.example_gens.signal_config import SignalDataConfig
from components.trainers.training_config import TrainingConfig
from pipelines.configs.paper_config import PaperConfig


class SirenConfig(PaperConfig):
    """Everything that can be set about a SIREN run."""

    experiment: SirenExperiment = SirenExperiment()
    data: SignalDataConfig = SignalDataConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
