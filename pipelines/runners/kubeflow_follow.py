"""Follows a run on Kubeflow until it ends, whatever becomes of the connection meanwhile."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from components.errors import PapergardenError, Preempted
from pipelines.runners.kubeflow_endpoint import Endpoint
from pipelines.runners.kubeflow_errors import EndpointError
from pipelines.runners.kubeflow_patience import Patience
from pipelines.runners.kubeflow_service import KubeflowService
from pipelines.runners.kubeflow_status import (
    ENDED,
    TaskGraph,
    end_error,
    judge,
    read_task_graph,
    seconds_of,
    update_nodes,
)
from pipelines.runners.local_run import RunView
from pipelines.runners.node_status import NodeStatus, Observer
from pipelines.runners.run_outcome import RunOutcome, node_reports

DEFAULT_PRESET = "sample"


class Follower:
    """Follows one run.

    Args:
        service: The endpoint that has it.
        run_id: Its id.
        view: How to show it.
        patience: How often to look, and how long the endpoint may fail.
    """

    def __init__(
        self, service: KubeflowService, run_id: str, view: RunView, patience: Patience
    ) -> None:
        self._service = service
        self._run_id = run_id
        self._view = view
        self._patience = patience
        self._run: Any = None
        self._graph: TaskGraph | None = None
        self._nodes: dict[str, NodeStatus] = {}

    @property
    def page(self) -> str:
        """Where Kubeflow shows the run."""
        return self._service.endpoint.page("runs", self._run_id)

    def follow(self) -> RunOutcome:
        """Waits for the run's end, or for a signal that ends the following but not the run.

        Returns:
            The outcome; also of a run that failed or is followed no more, with `error` set.

        Raises:
            PapergardenError: Nothing is known of the run: there is none of that id, it is none of
                Papergarden's, or the endpoint stays away.
        """
        error: PapergardenError | None = None
        try:
            with _signals_interrupt(), self._view.table() as show:
                self._watch(show)
        except KeyboardInterrupt:
            error = Preempted(
                f"the run {self._run_id} is followed no more; it goes on",
                fix=self._how_to_follow(),
            )
        except EndpointError as lost:
            if self._graph is None and not lost.transient:
                raise
            error = EndpointError(
                f"the run {self._run_id} is followed no more; it may go on. {lost.what}",
                found=lost.found,
                expected=lost.expected,
                fix=self._how_to_follow(),
            )
        if self._graph is None and error is not None:
            raise error
        return self._outcome(error)

    def _watch(self, show: Observer) -> None:
        """Looks at the run until it has ended."""
        while True:
            self._run = self._look()
            if self._graph is None:
                self._graph = read_task_graph(self._service.read_pipeline(self._run))
                self._nodes = self._graph.new_nodes()
            update_nodes(self._nodes, self._graph, self._run)
            show(self._nodes)
            if self._run.state in ENDED:
                return
            time.sleep(self._patience.between_looks)

    def _look(self) -> Any:
        """The run as it is now, however often that must be asked."""
        deadline = time.monotonic() + self._patience.longest_silence
        told = False
        while True:
            try:
                return self._service.read_run(self._run_id)
            except EndpointError as error:
                if not error.transient or time.monotonic() > deadline:
                    raise
                if not told:
                    self._view.say(f"notice    {error.what}; still trying")
                told = True
            time.sleep(self._patience.between_looks)

    def _how_to_follow(self) -> str:
        command = follow_command(self._run_id, self._service.endpoint)
        return f"follow it again with `{command}`, or on {self.page}"

    def _outcome(self, error: PapergardenError | None) -> RunOutcome:
        ended = self._run.state in ENDED
        parameters = (self._run.runtime_config and self._run.runtime_config.parameters) or {}
        return RunOutcome(
            pipeline=self._graph.pipeline if self._graph else "",
            run_id=self._run_id,
            preset=parameters.get("preset", DEFAULT_PRESET),
            metadata_uri=None,
            nodes=node_reports(self._nodes),
            seconds=seconds_of(self._nodes.values(), self._run),
            verdict=judge(self._nodes, self._run) if ended else None,
            paths={"page": self.page},
            error=error or (end_error(self._nodes, self._run, self.page) if ended else None),
        )


def follow_command(run_id: str, endpoint: Endpoint) -> str:
    """The command that follows a run; credentials are for the user to add."""
    return shlex.join(["papergarden", "follow", run_id, *endpoint.words])


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Has SIGTERM and SIGHUP end the following as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    previous = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
