"""A request to stop, noticed between two steps."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopRequest:
    """Turns SIGTERM into a flag for the duration of a `with` block.

    A signal that came too late to be honoured inside the block is passed on to the previous
    handler. Outside of the main thread, where Python allows no handlers, the flag is never set.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: Any = None
        self._installed = False

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGTERM, self._note)
            self._installed = True
        return self

    def take_back(self) -> None:
        """Listens again after a library has taken the signal for itself, behind Python's back."""
        if self._installed:
            signal.signal(signal.SIGTERM, self._note)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._installed:
            return
        # None stands for a handler that was not installed from Python and cannot be given back.
        signal.signal(signal.SIGTERM, self._previous or signal.SIG_DFL)
        if self.requested and error is None:
            os.kill(os.getpid(), signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
