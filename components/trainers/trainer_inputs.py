"""What the Trainer node gives to a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import tensorflow as tf

from components.errors import ConfigError
from components.example_gens.split_files import check_split_files
from components.trainers.training_config import TrainingConfig

SectionType = TypeVar("SectionType")


@dataclass(frozen=True)
class TrainerInputs:
    """The inputs of a training run; `components.trainers.<paper>.trainer.build_task` gets them.

    Attributes:
        train_files: File patterns of the raw examples (gzipped TFRecords) of the split `train`.
        eval_files: The same of the split `eval`.
        transform_dir: Transform's output, to be read with `transform_graph`.
        schema_path: The curated schema (`.pbtxt`), if the pipeline passes one.
        config: The sections of the paper's configuration that training depends on.
        training: Its section `training`.
        base_model_dir: The SavedModel to go on from, where the pipeline passes one.
    """

    train_files: tuple[str, ...]
    eval_files: tuple[str, ...]
    transform_dir: str
    schema_path: str | None
    config: Mapping[str, Any]
    training: TrainingConfig
    base_model_dir: str | None = None

    def check_records(self) -> None:
        """Reads through all files.

        Raises:
            DataError: A file is damaged, or records are missing.
        """
        _ = self.num_train_records, self.num_eval_records

    @cached_property
    def num_train_records(self) -> int:
        """Records in the split `train`, as many as ExampleGen wrote."""
        return check_split_files(self.train_paths, "Trainer")

    @cached_property
    def num_eval_records(self) -> int:
        """Records in the split `eval`, as many as ExampleGen wrote."""
        return check_split_files(self.eval_paths, "Trainer")

    @property
    def train_paths(self) -> list[str]:
        """The TFRecord files of the split `train`, in order."""
        return _paths(self.train_files)

    @property
    def eval_paths(self) -> list[str]:
        """The TFRecord files of the split `eval`, in order."""
        return _paths(self.eval_files)

    def section(self, name: str, section_type: type[SectionType]) -> SectionType:
        """A section of the configuration as its dataclass.

        Raises:
            ConfigError: A field is unknown, or a value cannot be used.
        """
        try:
            return section_type(**self.config.get(name, {}))
        except TypeError as error:
            raise ConfigError(f"the section {name} does not fit", found=str(error)) from error


def _paths(patterns: tuple[str, ...]) -> list[str]:
    return sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
