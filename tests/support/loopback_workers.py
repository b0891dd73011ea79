"""Two workers on loopback that train one model, as `TF_CONFIG` describes them."""

from __future__ import annotations

import json
import socket


def worker_environments(*, chief: bool = False) -> list[dict[str, str]]:
    """The environments of both, the one that leads first: a `chief`, or the first worker."""
    listeners = [socket.create_server(("localhost", 0)) for _ in range(2)]
    addresses = [f"localhost:{listener.getsockname()[1]}" for listener in listeners]
    for listener in listeners:
        listener.close()
    cluster, tasks = {"worker": addresses}, [("worker", 0), ("worker", 1)]
    if chief:
        cluster = {"chief": addresses[:1], "worker": addresses[1:]}
        tasks = [("chief", 0), ("worker", 0)]
    return [
        {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})}
        for job, index in tasks
    ]
