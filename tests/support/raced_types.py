"""Processes that put the same types into a metadata store in the same moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from components.lineage.metadata_uri import connection_config
from components.lineage.patient_store import PatientStore


def put_types(uri: str, names: Sequence[str], patience_seconds: float, start: Any) -> None:
    """Puts each of the types once all processes have come to the barrier."""
    store = PatientStore(connection_config(uri), patience_seconds)
    for name in names:
        start.wait()
        store.put_artifact_type(
            metadata_store_pb2.ArtifactType(name=name), can_add_fields=True, can_omit_fields=True
        )
