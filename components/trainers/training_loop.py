"""The training loop that every paper shares.

A run is a function of (task, configuration, identity): killed anywhere and started again with the
same three, it ends with the same bytes on the same machine's CPU. That rests on four things:
batches are a function of (seed, step), every variable is in the checkpoint, threads and kernels are
pinned (`runtime.py`), and a checkpoint is whole or absent (`checkpoints.py`).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.errors import Preempted, TrainingError
from components.trainers.checkpoints import Checkpoints, HistoryRow
from components.trainers.nan_guard import NanGuard
from components.trainers.preemption import StopRequest
from components.trainers.runtime import device_facts, dtype_policy, prepare_runtime
from components.trainers.step_progress import StepProgress
from components.trainers.strategy import make_strategy
from components.trainers.task import Task
from components.trainers.training_config import TrainingConfig
from components.trainers.training_logs import TrainingLogs
from components.trainers.transform_graph import without_tuning
from components.trainers.worker_group import WorkerGroup

logger = logging.getLogger(__name__)

Losses = Mapping[str, tf.Tensor]


@dataclass(frozen=True)
class TrainingResult:
    """A trained task and how it came about.

    Attributes:
        task: The task with its final variables.
        workers: Those that trained it; all of them export it, and the one that leads keeps it.
        history: One row a summary: `step` (updates made), the losses of the update before it, and
            the task's scalars. Rows of earlier, interrupted processes are included.
        resumed_from: Updates that this process found already made.
        seconds: Time this process trained, everything included.
        first_step_seconds: Time of the first update, tracing and compiling included.
        steps_per_second: Speed of the updates after it, without summaries and checkpoints.
        runtime: Versions, hardware, threads, strategy: what the numbers depend on.
    """

    task: Task
    workers: WorkerGroup
    history: list[HistoryRow]
    resumed_from: int
    seconds: float
    first_step_seconds: float | None
    steps_per_second: float | None
    runtime: Mapping[str, Any]


def run_training(
    build_task: Callable[[], Task],
    config: TrainingConfig,
    checkpoint_dir: Path,
    log_dir: Path,
    *,
    identity: str,
) -> TrainingResult:
    """Trains a task to its last step, from its newest checkpoint if there is one.

    Args:
        build_task: Makes the task, inside the strategy's scope and under the run's dtype policy.
        config: How to train.
        checkpoint_dir: Folder of this run alone, which outlives the process. The caller removes it
            with `remove_checkpoints` once the model is exported.
        log_dir: Folder for TensorBoard, which should outlive the process too.
        identity: Hash of everything the weights depend on: configuration, data, code.

    Raises:
        TrainingError: A loss is not finite, a checkpoint cannot be written or used, or another
            worker is gone.
        Preempted: SIGTERM came; the state is saved.
        StackError: The machine cannot give the strategy or the threads asked for.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(StopRequest())
        runtime = prepare_runtime(config)
        strategy = make_strategy(config, stop)
        runtime.update(device_facts(strategy))
        stack.enter_context(dtype_policy(config.precision))
        with strategy.scope():
            task = build_task()
        workers = WorkerGroup(strategy, stop)
        if not workers.leads:
            log_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        checkpoints = Checkpoints(
            checkpoint_dir,
            task.checkpoint_items,
            identity=identity,
            keep=config.keep_checkpoints,
            publishes=workers.leads,
        )
        restored = checkpoints.restore()
        first_step = restored.step if restored else 0
        history = restored.history if restored else []
        last_step = config.total_steps(task.steps_per_epoch)
        if first_step > last_step:
            raise TrainingError(
                f"the checkpoint in {checkpoint_dir} is past the end of the run",
                found=f"step {first_step}",
                expected=f"at most {last_step}, the last step",
                fix="raise training.steps or training.epochs, or remove that folder to start again",
            )
        workers.check_same_start(identity, first_step)
        if restored:
            logger.info("going on from the checkpoint of step %d", first_step)
        logs = stack.enter_context(TrainingLogs(log_dir, restored.step if restored else None))
        progress = StepProgress(first_step, last_step)
        loop = _Loop(task, strategy, workers, config, checkpoints, logs, progress, history)
        with workers.watched():
            loop.run(first_step, last_step)
        return TrainingResult(
            task=task,
            workers=workers,
            history=history,
            resumed_from=first_step,
            seconds=progress.seconds,
            first_step_seconds=progress.first_step_seconds,
            steps_per_second=progress.steps_per_second,
            runtime=runtime,
        )


@dataclass
class _Loop:
    """The steps of a run.

    What is due at a step is done in the order losses, summary, checkpoint, so that nothing is shown
    or saved of a state that has gone wrong.
    """

    task: Task
    strategy: tf.distribute.Strategy
    workers: WorkerGroup
    config: TrainingConfig
    checkpoints: Checkpoints
    logs: TrainingLogs
    progress: StepProgress
    history: list[HistoryRow]

    def run(self, first_step: int, last_step: int) -> None:
        guard = NanGuard()
        updates = self._updates(first_step)
        step = first_step
        while True:
            stopping, finished = self.workers.stops, step == last_step
            summary_due = finished or step % self.config.summary_every_steps == 0
            checkpoint_due = (
                finished or stopping or (step and step % self.config.checkpoint_every_steps == 0)
            )
            losses: Mapping[str, float] = {}
            if step > first_step and (summary_due or checkpoint_due or self.progress.due):
                losses = guard.check()
                self._report(step, losses)
            with self.progress.paused():
                if summary_due:
                    self._summarize(step, losses)
                if checkpoint_due:
                    self.logs.flush()
                    self.checkpoints.save(step, self.history)
            if stopping:
                raise Preempted(
                    f"training was asked to stop; step {step} is saved",
                    fix="run it again to go on from there",
                )
            if finished:
                if step > first_step:
                    self._report(step)
                return
            guard.note(step, next(updates))
            step += 1

    def _summarize(self, step: int, losses: Mapping[str, float]) -> None:
        if self.history and self.history[-1]["step"] == step:
            return  # came with the checkpoint
        summary = self.task.summarize(step)
        scalars = {**losses, **summary.scalars}
        self.logs.write(step, scalars, summary.images)
        self.history.append({"step": step, **scalars})

    def _report(self, step: int, losses: Mapping[str, float] | None = None) -> None:
        """Reports the newest scalars, and losses that are newer still."""
        numbers = {**self.history[-1], **(losses or {})}
        names = self.task.progress_names
        shown = numbers if names is None else {name: numbers[name] for name in names}
        self.progress.report(step, shown)

    def _updates(self, first_step: int) -> Iterator[Losses]:
        """Makes one update of the variables each time it is asked for the next losses."""
        options = tf.data.Options()
        # Every worker reads all batches and takes its share of each, whatever the files are: what
        # is in a batch must not depend on the number of workers.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        # The iterators that a strategy makes beside the dataset's own do not take the option
        # against tf.data's tuner (see `without_tuning`), so one replica does without them.
        dataset = without_tuning(self.task.dataset(first_step).with_options(options))
        update = self._compile_update()
        self.progress.announce_compilation()
        if self.strategy.num_replicas_in_sync > 1:
            dataset = self.strategy.experimental_distribute_dataset(dataset)
        for batch in dataset:
            losses, stop_count = update(batch, self.workers.own_count())
            self.workers.note(stop_count)
            yield losses
        raise TrainingError(
            "the task's dataset ended before training did",
            expected="batches without end (Task.dataset)",
        )

    def _compile_update(self) -> Callable[[Any, tf.Tensor], tuple[Losses, tf.Tensor]]:
        train_step = self.task.train_step
        if self.config.jit_compile and not isinstance(self.strategy, tf.distribute.TPUStrategy):
            train_step = tf.function(train_step, jit_compile=True, autograph=False)

        # AutoGraph would wrap every error raised while tracing in one of its own.
        @tf.function(reduce_retracing=True, autograph=False)
        def update(batch: Any, own_count: tf.Tensor) -> tuple[Losses, tf.Tensor]:
            per_replica = self.strategy.run(train_step, args=(batch,))
            losses = {
                name: tf.cast(
                    self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None), tf.float32
                )
                for name, value in per_replica.items()
            }
            return losses, self.workers.count(own_count)

        return update
