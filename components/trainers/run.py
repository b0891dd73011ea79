"""The entry point of TFX's Trainer: `run_fn="components.trainers.run.run_fn"`, for every paper.

A paper takes part with one module, `components/trainers/<paper>/trainer.py`, which holds

    def build_task(inputs: TrainerInputs) -> Task: ...

It is called inside the strategy's scope. TFX is not imported here: `fn_args` is used by its
attributes.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.errors import ConfigError
from components.trainers.checkpoints import remove_checkpoints
from components.trainers.task import Task
from components.trainers.trainer_inputs import TrainerInputs
from components.trainers.training_config import TrainingConfig
from components.trainers.training_loop import TrainingResult, run_training

_LOGS = "logs"


def run_fn(fn_args: Any) -> None:
    """Trains the paper that `fn_args.custom_config` names and exports its model.

    `custom_config` holds

    * `paper`: name of the package below `components.trainers`;
    * `config`: the resolved configuration, with the section `training`;
    * `identity`: hash of what else the weights depend on, above all the code;
    * `checkpoint_root`: a local or mounted folder that outlives the run. Checkpoints and logs are
      in a subfolder of it until the model is exported, because TFX deletes the outputs of a failed
      node.

    The model goes to `fn_args.serving_model_dir`; TensorBoard's logs, `history.json` (the curves)
    and `training.json` (speed, versions, hardware) to `fn_args.model_run_dir`.

    Of several workers (`training.strategy=multi_worker`) each runs this with the same inputs and
    checkpoint folder and with outputs of its own, of which those of the one that leads count.

    Args:
        fn_args: TFX's `FnArgs`.

    Raises:
        ConfigError: `custom_config` is incomplete or names an unknown paper.
        DataError: A file of records is damaged, or records are missing.
        TrainingError: Training cannot go on.
        Preempted: SIGTERM came; the state is saved.
    """
    custom = _custom_config(fn_args.custom_config)
    inputs = _trainer_inputs(fn_args, custom["config"])
    build_task = _paper_builder(custom["paper"])

    def build_checked_task() -> Task:
        # Reading starts TensorFlow: not before the loop has pinned its threads.
        inputs.check_records()
        return build_task(inputs)

    identity = run_identity(custom, inputs)
    checkpoint_dir = Path(custom["checkpoint_root"]) / identity
    result = run_training(
        build_checked_task,
        inputs.training,
        checkpoint_dir,
        checkpoint_dir / _LOGS,
        identity=identity,
    )
    with result.workers.watched():
        result.task.export(fn_args.serving_model_dir)
        if result.workers.leads:
            _write_outcome(result, inputs.training, checkpoint_dir / _LOGS, fn_args.model_run_dir)
    # While one of the workers may still fail, all may have to go on from the last checkpoint.
    result.workers.wait_for_all()
    if result.workers.leads:
        remove_checkpoints(checkpoint_dir)


def run_identity(custom_config: Mapping[str, Any], inputs: TrainerInputs) -> str:
    """SHA-256 over everything that the weights depend on.

    The data stand in it as the places of the artifacts they come from: a rerun finds the same
    places through TFX's cache, and other data never get the place of earlier ones.
    """
    parts = {
        **{key: custom_config[key] for key in ("paper", "config", "identity")},
        "train_files": inputs.train_files,
        "eval_files": inputs.eval_files,
        "transform_dir": inputs.transform_dir,
    }
    if inputs.base_model_dir is not None:
        parts["base_model_dir"] = inputs.base_model_dir
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _custom_config(custom_config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    expected = {"paper", "config", "identity", "checkpoint_root"}
    missing = expected - set(custom_config or {})
    if custom_config is None or missing:
        raise ConfigError(
            "the Trainer's custom_config is incomplete",
            found=f"{', '.join(sorted(missing))} missing",
            expected=f"the keys {', '.join(sorted(expected))}",
        )
    return custom_config


def _trainer_inputs(fn_args: Any, config: Mapping[str, Any]) -> TrainerInputs:
    try:
        training = TrainingConfig(**config.get("training", {}))
    except TypeError as error:
        raise ConfigError("the section training does not fit", found=str(error)) from error
    return TrainerInputs(
        train_files=tuple(fn_args.train_files),
        eval_files=tuple(fn_args.eval_files),
        transform_dir=fn_args.transform_graph_path,
        schema_path=fn_args.schema_path,
        config=config,
        training=training,
        base_model_dir=fn_args.base_model,
    )


def _paper_builder(paper: str) -> Callable[[TrainerInputs], Task]:
    module_name = f"components.trainers.{paper}.trainer"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise  # the paper is there, something that it imports is not
        raise ConfigError(
            f"there is no trainer for the paper {paper!r}",
            expected=f"a module {module_name} with build_task(inputs)",
        ) from error
    builder: Callable[[TrainerInputs], Task] = module.build_task
    return builder


def _write_outcome(
    result: TrainingResult, config: TrainingConfig, log_dir: Path, model_run_dir: str
) -> None:
    facts = {
        "training": asdict(config),
        "resumed_from": result.resumed_from,
        "seconds": result.seconds,
        "first_step_seconds": result.first_step_seconds,
        "steps_per_second": result.steps_per_second,
        "runtime": dict(result.runtime),
    }
    target = tf.io.gfile.join(model_run_dir, _LOGS)
    tf.io.gfile.makedirs(target)
    for path in log_dir.iterdir():
        tf.io.gfile.copy(str(path), tf.io.gfile.join(target, path.name), overwrite=True)
    for name, content in (("history.json", result.history), ("training.json", facts)):
        with tf.io.gfile.GFile(tf.io.gfile.join(model_run_dir, name), "w") as file:
            file.write(json.dumps(content, indent=1))
