"""Which model a candidate is compared with: the latest blessed one that is older than it.

TFX's own `LatestBlessedModelStrategy` gives the latest blessed model of all, which on an unchanged
rerun is the candidate itself: the Evaluator would see another input than the first time, miss the
cache, and compare the model with itself.
"""

from __future__ import annotations

import logging
import os

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.io import fileio
from tfx.types import Artifact
from tfx.utils import path_utils

MODEL = "model"
MODEL_BLESSING = "model_blessing"
CANDIDATE = "candidate"

# Execution property of the Trainer. Models whose values differ are not compared: if, say, one was
# fitted to a photograph and the other to a sound, one cannot even read the other's records.
EVALUATION_PROTOCOL = "evaluation_protocol"

_OUTPUT_EVENTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)


class LatestBlessedBeforeCandidate(ResolverStrategy):
    """Resolves `model` to the latest blessed model with an id smaller than the candidate's.

    Use it as

        Resolver(
            strategy_class=LatestBlessedBeforeCandidate,
            model=Channel(type=Model),
            model_blessing=Channel(type=ModelBlessing),
            candidate=trainer.outputs["model"],
        )

    The answer is a function of the candidate and of what was blessed before it, so a rerun that
    finds the candidate in the cache finds the same baseline. Passed over are models whose latest
    verdict is not a blessing, whose `evaluation_protocol` is another one, and whose SavedModel no
    longer exists.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Resolves the three channels.

        Args:
            store: The metadata store.
            input_dict: `model` and `model_blessing` of the whole pipeline, `candidate` of this run.

        Returns:
            One model and its blessing, or none of both where nothing qualifies; the candidate as it
            came.
        """
        candidates = input_dict.get(CANDIDATE, [])
        nothing: dict[str, list[Artifact]] = {MODEL: [], MODEL_BLESSING: [], CANDIDATE: candidates}
        if not candidates:
            return nothing
        candidate = max(candidates, key=lambda artifact: artifact.id)
        verdicts = _latest_verdicts(input_dict.get(MODEL_BLESSING, []))
        older = sorted(
            (
                model
                for model in input_dict.get(MODEL, [])
                if model.id < candidate.id and _is_blessed(verdicts.get(model.id))
            ),
            key=lambda artifact: artifact.id,
            reverse=True,
        )
        protocols = _protocols(store, [candidate.id, *(model.id for model in older)])
        for model in older:
            if protocols.get(model.id) == protocols.get(candidate.id) and _has_saved_model(model):
                return nothing | {MODEL: [model], MODEL_BLESSING: [verdicts[model.id]]}
        return nothing


def _latest_verdicts(blessings: list[Artifact]) -> dict[int, Artifact]:
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
        "the blessed model %d is gone from %s; an older one is taken as the baseline",
        model.id,
        model.uri,
    )
    return False


def _protocols(store: mlmd.MetadataStore, model_ids: list[int]) -> dict[int, str]:
    """Model id -> `evaluation_protocol` of the execution that made it; absent where it has none."""
    producers = {
        event.artifact_id: event.execution_id
        for event in store.get_events_by_artifact_ids(model_ids)
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
