"""A metadata store that outlives its database's restart.

A node may have trained for days when it has to record what it made, so a store that does not answer
is asked again for some minutes, over a new connection. A question can simply be repeated. A write
whose answer was lost may have happened: whether it did is read from the execution's state, which
MLMD writes in one transaction with everything else of the call.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ml_metadata
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.lineage.metadata_uri import open_store
from components.lineage.store_failure import explain_failure

if TYPE_CHECKING:
    from components.lineage.metadata_uri import AnyConnection

# Waits of 1, 2, 4, … seconds between two tries, 60 at most, 5 minutes in all.
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
PATIENCE_SECONDS = 300.0

# A connection to MySQL or PostgreSQL that was lost is INTERNAL, one that cannot be made a
# RuntimeError; a server that is away is UNAVAILABLE, one whose own database fails UNKNOWN; a lost
# race is ABORTED.
TRANSIENT = (
    errors.AbortedError,
    errors.CancelledError,
    errors.DeadlineExceededError,
    errors.InternalError,
    errors.ResourceExhaustedError,
    errors.UnavailableError,
    errors.UnknownError,
    RuntimeError,
)
# Nothing was written where a transaction lost a race, or did not begin because the connection was
# lost before the one before it had ended.
_NOT_WRITTEN = re.compile("could not serialize access|deadlock|Transaction already open")
# A server that has just started may have refused a user once for that alone.
LAST_REFUSAL = 3
# ML Metadata 1.21 has no filter queries; TFX asks differently when it is told so.
_UNABLE = "ZetaSQL dependency removed"

_logger = logging.getLogger(__name__)


class LostAnswerError(Exception):
    """The store went away during a write, and what it wrote cannot be told from the call."""


class PatientStore:
    """A `MetadataStore` that connects again and repeats what was lost.

    Args:
        connection: What `MetadataStore` takes.
        patience_seconds: How long a call may be repeated.

    Raises:
        RunError: The store cannot be opened, or stays away during a call.
        LostAnswerError: It cannot be told whether a write happened.
    """

    def __init__(
        self, connection: AnyConnection, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._connection = connection
        self._patience_seconds = patience_seconds
        self._store: ml_metadata.MetadataStore | None = None
        self._patiently(self._connect)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            written = _written(name, arguments, named)
            return self._patiently(
                lambda: getattr(self._connect(), name)(*arguments, **named), written
            )

        return call

    def _connect(self) -> ml_metadata.MetadataStore:
        if self._store is None:
            self._store = open_store(self._connection)
        return self._store

    def _patiently(self, action: Callable[[], Any], written: Sequence[Any] = ()) -> Any:
        """Repeats an action until it is answered or patience ends.

        Args:
            action: Calls the store.
            written: What the action writes and must not write twice.
        """
        deadline = time.monotonic() + self._patience_seconds
        wait = FIRST_WAIT_SECONDS
        in_doubt = False
        refusals = 0
        while True:
            begun = False
            try:
                self._connect()
                if in_doubt:
                    self._refuse_to_write_twice(written)
                    in_doubt = False
                begun = bool(written)
                return action()
            except (*TRANSIENT, errors.FailedPreconditionError) as error:
                if _is_answer(error):
                    raise
                in_doubt = in_doubt or (begun and not _not_written(error))
                # This connection may be the one that was lost.
                self._store = None
                failure = explain_failure(self._connection, error)
                refusals = refusals + 1 if failure.refused else 0
                lasting = failure.lasting or refusals == LAST_REFUSAL
                if lasting or time.monotonic() + wait > deadline:
                    raise failure.error from error
                told = failure.error
                _logger.warning("%s (%s): asking again", told.what, told.found or "refused")
            time.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def _refuse_to_write_twice(self, written: Sequence[Any]) -> None:
        """Raises LostAnswerError unless the store shows that the write did not happen."""
        ids = [one.id for one in written]
        if all(ids) and all(isinstance(one, metadata_store_pb2.Execution) for one in written):
            found = {one.id: one for one in self._connect().get_executions_by_id(ids)}
            if all(found[one.id].last_known_state != one.last_known_state for one in written):
                return
        raise LostAnswerError("the answer to a write was lost")


def _is_answer(error: Exception) -> bool:
    """Whether a store that is well says so, and would say it again."""
    if isinstance(error, errors.FailedPreconditionError):
        return not _not_written(error)
    return _UNABLE in str(error)


def _not_written(error: Exception) -> bool:
    # An aborted transaction was rolled back.
    return isinstance(error, errors.AbortedError) or bool(_NOT_WRITTEN.search(str(error)))


def _written(name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """What a call writes that would stand there twice if it were repeated.

    Contexts, types and updates of artifacts have a name or an id: repeating them changes nothing.
    """
    if name == "put_execution":
        return [named["execution"] if "execution" in named else arguments[0]]
    if name in ("put_executions", "put_lineage_subgraph"):
        return list(named["executions"] if "executions" in named else arguments[0])
    if name == "put_artifacts":
        artifacts = named["artifacts"] if "artifacts" in named else arguments[0]
        return [one for one in artifacts if not one.id]
    return []
