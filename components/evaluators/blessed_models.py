"""Blessed models in the metadata store, told apart by what they can be compared with."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio
from tfx.types import Artifact
from tfx.utils import path_utils

# Execution property of the Trainer. Models whose values differ are not compared: if, say, one was
# fitted to a photograph and the other to a sound, one cannot even read the other's records.
EVALUATION_PROTOCOL = "evaluation_protocol"

_OUTPUT_EVENTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)


def latest_blessed(
    store: mlmd.MetadataStore,
    models: Sequence[Artifact],
    blessings: Sequence[Artifact],
    protocol: str | None,
) -> tuple[Artifact, Artifact] | None:
    """The model of that protocol with the largest id that is blessed, and its blessing.

    Passed over are models whose latest verdict is not a blessing, whose `evaluation_protocol` is
    another one, and whose SavedModel no longer exists.

    Args:
        store: The metadata store.
        models: To choose from.
        blessings: All there are.
        protocol: Of the execution that made the model; None: it has none.

    Returns:
        None where nothing qualifies.
    """
    verdicts = _latest_verdicts(blessings)
    blessed = sorted(
        (model for model in models if _is_blessed(verdicts.get(model.id))),
        key=lambda artifact: artifact.id,
        reverse=True,
    )
    protocols = evaluation_protocols(store, [model.id for model in blessed])
    for model in blessed:
        if protocols.get(model.id) == protocol and _has_saved_model(model):
            return model, verdicts[model.id]
    return None


def evaluation_protocols(store: mlmd.MetadataStore, model_ids: Sequence[int]) -> dict[int, str]:
    """Model id -> `evaluation_protocol` of the execution that made it; absent where it has none."""
    producers = {
        event.artifact_id: event.execution_id
        for event in store.get_events_by_artifact_ids(list(model_ids))
        if event.type in _OUTPUT_EVENTS
    }
    executions = {
        execution.id: execution
        for execution in store.get_executions_by_id(sorted(set(producers.values())))
    }
    return {
        model_id: executions[execution_id].custom_properties[EVALUATION_PROTOCOL].string_value
        for model_id, execution_id in producers.items()
        if EVALUATION_PROTOCOL in executions[execution_id].custom_properties
    }


def _latest_verdicts(blessings: Sequence[Artifact]) -> dict[int, Artifact]:
    """Model id -> its latest blessing artifact: a stricter gate later on takes a blessing back."""
    return {
        blessing.get_int_custom_property("current_model_id"): blessing
        for blessing in sorted(blessings, key=lambda artifact: artifact.id)
    }


def _is_blessed(blessing: Artifact | None) -> bool:
    return blessing is not None and blessing.get_int_custom_property("blessed") == 1


def _has_saved_model(model: Artifact) -> bool:
    directory = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    if fileio.exists(os.path.join(directory, "saved_model.pb")):
        return True
    logging.getLogger(__name__).warning(
        "the blessed model %d is gone from %s; an older one is taken",
        model.id,
        model.uri,
    )
    return False
