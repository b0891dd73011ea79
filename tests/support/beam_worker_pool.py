"""Beam's worker pool, as it runs beside the task managers of a Flink or Spark cluster."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer


class WorkerPool(BeamFnExternalWorkerPoolServicer):
    """Beam's own, which says what it does."""

    def StartWorker(self, start_worker_request: Any, unused_context: Any) -> Any:
        print("started worker", start_worker_request.worker_id, flush=True)
        return super().StartWorker(start_worker_request, unused_context)


def serve(port: int, log_file: Path, listening: Any) -> None:
    """Starts workers for whoever asks at the port of loopback, until the process is ended.

    Args:
        port: To listen at.
        log_file: For what the workers say.
        listening: An event, set once it listens.
    """
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    server = grpc.server(ThreadPoolExecutor())
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(WorkerPool(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    listening.set()
    server.wait_for_termination()
