"""Runs a pipeline on this machine: one forked child a node, independent nodes at once.

Children are forked from a parent that has imported everything but never executed a TensorFlow
operation: a second import is saved, no node inherits another's TensorFlow runtime, and a node that
dies takes nothing with it.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from tfx.proto.orchestration import pipeline_pb2

from components.errors import Preempted, RunError
from pipelines.runners.child import Child, start_child
from pipelines.runners.node_status import FINISHED, NodeStatus, Observer

# How long a node may take to save its state after SIGTERM before it is killed.
GRACE_SECONDS = 60.0
FULL_DISK_BYTES = 1 << 20


class LocalRunner:
    """Runs the nodes of one bound pipeline.

    Args:
        pipeline_ir: The compiled pipeline, from `node.bind_run`.
        log_dir: Gets one log file a node.
        time_limit_seconds: A node that takes longer is stopped, its stacks in its log.
    """

    def __init__(
        self,
        pipeline_ir: pipeline_pb2.Pipeline,
        log_dir: Path,
        time_limit_seconds: float,
    ) -> None:
        self._pipeline_ir = pipeline_ir
        self._time_limit_seconds = time_limit_seconds
        self._children: dict[str, Child] = {}
        self._stop_signal: int | None = None
        self._stop_deadline: float | None = None
        self.nodes = {
            node.pipeline_node.node_info.id: NodeStatus(
                node_id=node.pipeline_node.node_info.id,
                upstream=tuple(node.pipeline_node.upstream_nodes),
                log_path=log_dir / f"{node.pipeline_node.node_info.id}.log",
            )
            for node in pipeline_ir.nodes
        }

    def run(self, observer: Observer) -> dict[str, NodeStatus]:
        """Runs every node.

        Args:
            observer: Called with every node's status, several times a second.

        Raises:
            RunError: If a node failed; it names the node, its last words and its log.
            Preempted: If the run was asked to stop; running again goes on from there.
        """
        previous = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            with selectors.DefaultSelector() as selector:
                while self._start_ready(selector) or self._children:
                    self._read_messages(selector)
                    self._enforce_limits()
                    observer(self.nodes)
        finally:
            for child in self._children.values():
                child.kill()
            for number, handler in previous.items():
                signal.signal(number, handler)
        observer(self.nodes)
        self._raise_failures()
        return self.nodes

    def _on_signal(self, number: int, _: object) -> None:
        self._stop_signal = number

    def _start_ready(self, selector: selectors.BaseSelector) -> bool:
        """Starts what can start; whether anything was started."""
        healthy = all(
            node.state in (*FINISHED, "waiting", "running") for node in self.nodes.values()
        )
        if not healthy or self._stop_signal is not None:
            return False
        started = False
        for node in self.nodes.values():
            ready = all(self.nodes[name].state in FINISHED for name in node.upstream)
            if node.state == "waiting" and ready and len(self._children) < (os.cpu_count() or 1):
                child = start_child(self._pipeline_ir, node.node_id, node.log_path)
                self._children[node.node_id] = child
                selector.register(child.descriptor, selectors.EVENT_READ, node.node_id)
                node.state, node.started, started = "running", time.monotonic(), True
        return started

    def _read_messages(self, selector: selectors.BaseSelector) -> None:
        for key, _ in selector.select(timeout=0.2):
            node = self.nodes[key.data]
            messages = self._children[node.node_id].read_messages()
            for message in messages or []:
                self._take_message(node, message)
            if messages is None:
                selector.unregister(key.fileobj)
                self._finish(node, self._children.pop(node.node_id))
        for node in self.nodes.values():
            if node.state == "running" and node.started is not None:
                node.seconds = time.monotonic() - node.started

    def _take_message(self, node: NodeStatus, message: dict[str, Any]) -> None:
        if "progress" in message:
            node.progress = message["progress"]
        if "outcome" in message:
            node.outcome = message["outcome"]
        if "error" in message:
            node.error = message["error"]

    def _finish(self, node: NodeStatus, child: Child) -> None:
        """Turns a child's end into the node's state; an end without an outcome is a failure."""
        code = child.wait()
        if code == 0 and node.outcome:
            node.state = node.outcome["state"]
        elif code == Preempted.exit_code or (self._stop_signal is not None and code < 0):
            node.state = "preempted"
        else:
            node.state = "failed"
            node.error = node.error or (
                f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            )

    def _enforce_limits(self) -> None:
        """Hands a stop on to the children, and stops a child that takes too long."""
        now = time.monotonic()
        if self._stop_signal is not None and self._stop_deadline is None:
            self._stop_deadline = now + GRACE_SECONDS
            for child in self._children.values():
                child.terminate()
        if self._stop_deadline is not None and now > self._stop_deadline:
            for child in self._children.values():
                child.kill()
        for node_id, child in self._children.items():
            started = self.nodes[node_id].started
            if started is not None and now - started > self._time_limit_seconds:
                self.nodes[node_id].error = f"took longer than {self._time_limit_seconds:.0f} s"
                child.dump_stacks()
                child.kill()

    def _raise_failures(self) -> None:
        for node in self.nodes.values():
            if node.state == "failed":
                raise RunError(
                    f"node {node.node_id} failed: {node.error}",
                    found=_full_disk(node.log_path.parent),
                    fix=f"the whole log is {node.log_path}; a rerun reuses the finished nodes",
                )
        for node in self.nodes.values():
            if node.state == "preempted" and self._stop_signal is None:
                raise Preempted(f"node {node.node_id} was stopped: {node.error}")
        if self._stop_signal is not None:
            name = signal.Signals(self._stop_signal).name
            raise Preempted(
                f"the run was stopped by {name}",
                fix="run the same command again: finished nodes are reused, training resumes",
            )


def _full_disk(folder: Path) -> str | None:
    """Says so when the disk is full: then a node's own last words may be about anything."""
    free = shutil.disk_usage(folder).free
    if free > FULL_DISK_BYTES:
        return None
    return f"the disk of {folder} is full: {free} bytes are free"
