"""How long an endpoint is waited for, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Times to wait, in seconds.

    Attributes:
        connection: For a connection.
        answer: For an answer.
        between_tries: Before a request that failed in passing is repeated; one wait a repetition.
        between_looks: Between two looks at a run that is followed.
        longest_silence: How long an endpoint may fail while a run is followed.
    """

    connection: float = 10.0
    answer: float = 60.0
    between_tries: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    between_looks: float = 5.0
    longest_silence: float = 15 * 60.0
