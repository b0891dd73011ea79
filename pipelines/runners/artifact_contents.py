"""Notices artifacts whose files were deleted, truncated or changed after they were written.

TFX's cache looks only whether an artifact's path exists. Each node therefore writes the number of
files and bytes of its outputs into ML Metadata; before a run, artifacts that no longer fit are
withdrawn, so that the node that made them runs again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio

NUM_FILES = "num_files"
NUM_BYTES = "num_bytes"
PUSHED_DESTINATION = "pushed_destination"


def record_contents(store: Any, artifacts: Iterable[metadata_store_pb2.Artifact]) -> None:
    """Writes number of files and bytes of each artifact into its custom properties."""
    artifacts = list(artifacts)
    for artifact in artifacts:
        files, size = _measure(artifact.uri)
        artifact.custom_properties[NUM_FILES].int_value = files
        artifact.custom_properties[NUM_BYTES].int_value = size
    if artifacts:
        store.put_artifacts(artifacts)


def withdraw_damaged(store: Any, pipeline_name: str) -> list[str]:
    """Marks the pipeline's artifacts whose files no longer fit as deleted.

    Returns:
        One sentence for each.
    """
    context = store.get_context_by_type_and_name("pipeline", pipeline_name)
    if context is None:
        return []
    damaged, sentences = [], []
    for artifact in store.get_artifacts_by_context(context.id):
        if artifact.state != metadata_store_pb2.Artifact.LIVE:
            continue
        fault = _fault(artifact)
        if fault:
            artifact.state = metadata_store_pb2.Artifact.DELETED
            damaged.append(artifact)
            sentences.append(f"{artifact.uri} {fault}; what made it runs again")
    if damaged:
        store.put_artifacts(damaged)
    return sentences


def _fault(artifact: metadata_store_pb2.Artifact) -> str | None:
    recorded = artifact.custom_properties
    if NUM_FILES not in recorded:
        return None
    if not fileio.exists(artifact.uri):
        return "was deleted"
    destination = (
        recorded[PUSHED_DESTINATION].string_value if PUSHED_DESTINATION in recorded else ""
    )
    if destination and not fileio.exists(destination):
        return f"was pushed to {destination}, which was deleted"
    files, size = _measure(artifact.uri)
    if (files, size) != (recorded[NUM_FILES].int_value, recorded[NUM_BYTES].int_value):
        was = f"{recorded[NUM_FILES].int_value} files of {recorded[NUM_BYTES].int_value} bytes"
        return f"was changed: it has {files} files of {size} bytes, and was written with {was}"
    return None


def _measure(uri: str) -> tuple[int, int]:
    """Number of files and bytes below a path."""
    if not fileio.isdir(uri):
        return 1, _size(uri)
    sizes = [_size(os.path.join(top, name)) for top, _, names in fileio.walk(uri) for name in names]
    return len(sizes), sum(sizes)


def _size(path: str) -> int:
    status = fileio.stat(path)
    # TFX's local and TensorFlow file systems name the size differently.
    return int(status.length if hasattr(status, "length") else status.st_size)
