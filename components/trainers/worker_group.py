"""Workers that train one model together: they stop, fail and end as one.

Every worker makes the same steps, and an update waits for all of them. So no worker may stop, save
or end by itself: what one of them alone knows (it was asked to stop) is counted in the update, and
all act on the same count at the same step.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from components.errors import TrainingError
from components.trainers.preemption import StopRequest
from components.trainers.worker_task import read_worker_task

# What TensorFlow raises where a worker is gone, has been started anew, or never came.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)
# Reading the newest count would make the host wait for the device at every step.
_COUNTS_IN_FLIGHT = 2


class WorkerGroup:
    """The workers of a strategy; of most strategies there is one.

    Args:
        strategy: What the run trains with.
        stop: Whether this worker was asked to stop.
    """

    def __init__(self, strategy: tf.distribute.Strategy, stop: StopRequest) -> None:
        several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        task = read_worker_task() if several else None
        self._strategy = strategy
        self._stop = stop
        self._counts: deque[tf.Tensor] = deque(maxlen=_COUNTS_IN_FLIGHT)
        self.size = len(task.addresses) if task else 1
        self.leads = task is None or task.leads

    @property
    def stops(self) -> bool:
        """Whether to stop now; the same in all workers at the same step."""
        if self.size == 1:
            return self._stop.requested
        return len(self._counts) == _COUNTS_IN_FLIGHT and float(self._counts[0]) > 0

    def own_count(self) -> tf.Tensor:
        """What this worker puts into an update's count of those who were asked to stop."""
        return tf.constant(float(self._stop.requested))

    def count(self, own: tf.Tensor) -> tf.Tensor:
        """The sum of `own_count` over all replicas; part of the update's graph."""
        if self.size == 1:
            return own
        return self._sum(own)

    def note(self, counted: tf.Tensor) -> None:
        """Remembers the count that an update came to."""
        if self.size > 1:
            self._counts.append(counted)

    def check_same_start(self, identity: str, step: int) -> None:
        """Sees to it that all workers begin the same run at the same step.

        Raises:
            TrainingError: They do not, or one of them is gone.
        """
        if self.size == 1:
            return
        digest = hashlib.sha256(f"{identity} {step}".encode()).digest()
        own = float(int.from_bytes(digest[:2], "big"))
        with self.watched():
            mean = float(tf.function(self._sum, autograph=False)(tf.constant(own)))
        if mean != own * self._strategy.num_replicas_in_sync:
            raise TrainingError(
                "the workers do not start the same training",
                found=f"this one is at step {step} of the run {identity[:12]}, others are not",
                expected="the same configuration, data, code and checkpoint folder for all",
                fix="mount one volume into all workers, and start them with the same settings",
            )

    def wait_for_all(self) -> None:
        """Returns once every worker has come here.

        Raises:
            TrainingError: One of them is gone.
        """
        if self.size > 1:
            with self.watched():
                tf.function(self._sum, autograph=False)(tf.constant(1.0)).numpy()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Says so where another worker's end is what broke this one's work off.

        Raises:
            TrainingError: Another worker is gone.
        """
        try:
            yield
        except _LOST as error:
            if self.size == 1:
                raise
            raise TrainingError(
                "another worker of this training is gone",
                found=_first_sentence(error),
                expected=f"all {self.size} workers until the end",
                fix="start all workers again: they go on from the last checkpoint; the log of the "
                "one that ended first says why",
            ) from error

    def _sum(self, own: tf.Tensor) -> tf.Tensor:
        per_replica = self._strategy.run(tf.identity, args=(own,))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)


def _first_sentence(error: tf.errors.OpError) -> str:
    """What TensorFlow says beyond the place in the graph."""
    lines = [line for line in str(error.message).splitlines() if line]
    telling = [line for line in lines if "aborted by" in line or "remote task" in line]
    return (telling or lines or [type(error).__name__])[0].strip()
