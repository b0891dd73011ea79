"""TFX's handle on a store that may be away for a while, and nodes that are launched again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ml_metadata import errors
from tfx.orchestration import metadata

from components.errors import RunError
from components.lineage.patient_store import LostAnswerError, PatientStore

LAUNCHES = 3

Result = TypeVar("Result")
_logger = logging.getLogger(__name__)


class PatientMetadata(metadata.Metadata):
    """TFX's handle on a store, whose calls wait for a store that is away."""

    def __enter__(self) -> PatientMetadata:
        if self._users == 0:
            self._store = PatientStore(self._connection_config)
        self._users += 1
        return self


def relaunch(launch: Callable[[], Result]) -> Result:
    """Launches a node, and again where it is unknown what the store kept of it.

    A launch looks for the execution of an earlier one first: it takes it up, or finds it done.

    Args:
        launch: Runs the node.

    Raises:
        RunError: The store stays away, or loses every launch.
        Exception: Whatever else the launch raises.
    """
    for _ in range(LAUNCHES):
        try:
            return launch()
        # A node that runs at the same time may have been the first to write something shared.
        except (LostAnswerError, errors.AlreadyExistsError) as error:
            lost = error
            _logger.warning("launching the node again: %s", error)
    raise RunError(
        "the metadata store lost what this node wrote, again and again",
        found=str(lost),
        expected=f"a store that keeps what it is given, once in {LAUNCHES} launches",
        fix="look at the store; another try of this task goes on from where it stopped",
    ) from lost
