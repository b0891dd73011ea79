"""Waits until every worker of a group is there, before TensorFlow does.

TensorFlow waits for missing workers without giving Python a turn: for as long as an hour no signal
is handled and nothing is said. So each worker listens at its address until it could reach all
others at theirs; only then is there nothing left for TensorFlow to wait for.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import time

from components.errors import Preempted, StackError, TrainingError
from components.trainers.preemption import StopRequest
from components.trainers.worker_task import WorkerTask

# A cluster may first have to start machines for them.
LONGEST_WAIT_SECONDS = 3600.0
_SECONDS_BETWEEN_TRIES = 0.5
_SECONDS_BETWEEN_NEWS = 60.0

_logger = logging.getLogger(__name__)


def meet(
    task: WorkerTask, stop: StopRequest, longest_wait_seconds: float = LONGEST_WAIT_SECONDS
) -> None:
    """Returns once all workers are there.

    Args:
        task: This worker.
        stop: Looked at while it waits.
        longest_wait_seconds: For the others.

    Raises:
        StackError: This worker's address is taken.
        TrainingError: Others did not come; names them.
        Preempted: The process was asked to stop.
    """
    missing = set(task.addresses) - {task.address}
    begun = told = time.monotonic()
    # Nobody accepts its connections: that they are made is all that others want to know.
    with _listen(task.address):
        while missing:
            missing -= {address for address in missing if _is_there(address)}
            if stop.requested:
                raise Preempted(
                    "training was asked to stop before all workers were there",
                    fix="start all workers again",
                )
            now = time.monotonic()
            if missing and now - begun > longest_wait_seconds:
                raise TrainingError(
                    "not all workers of this training came",
                    found=f"nobody at {', '.join(sorted(missing))}",
                    expected=f"{len(task.addresses)} workers within {longest_wait_seconds:.0f} s",
                    fix="look at their logs, and start all workers again",
                )
            if missing:
                if told in (begun, now) or now - told > _SECONDS_BETWEEN_NEWS:
                    _logger.warning("waiting for the workers at %s", ", ".join(sorted(missing)))
                    told = now
                time.sleep(_SECONDS_BETWEEN_TRIES)


def _listen(address: str) -> socket.socket:
    host, port = _host_and_port(address)
    # A name may be that of a service in front of this machine.
    for place in (host, ""):
        try:
            return socket.create_server((place, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StackError(
                    f"this worker's address {address} is taken",
                    expected="an address of TF_CONFIG for each worker, used by nothing else",
                ) from error
    raise StackError(
        f"this worker cannot listen at {address}",
        expected="an address of this machine in TF_CONFIG",
    )


def _is_there(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(_host_and_port(address), 1.0):
        return True
    return False


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
