"""Which model a candidate is compared with: the latest blessed one that is older than it.

TFX's own `LatestBlessedModelStrategy` gives the latest blessed model of all, which on an unchanged
rerun is the candidate itself: the Evaluator would see another input than the first time, miss the
cache, and compare the model with itself.
"""

from __future__ import annotations

import ml_metadata as mlmd
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types import Artifact

from components.evaluators.blessed_models import evaluation_protocols, latest_blessed

MODEL = "model"
MODEL_BLESSING = "model_blessing"
CANDIDATE = "candidate"


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
    finds the candidate in the cache finds the same baseline.
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
        found = latest_blessed(
            store,
            [model for model in input_dict.get(MODEL, []) if model.id < candidate.id],
            input_dict.get(MODEL_BLESSING, []),
            evaluation_protocols(store, [candidate.id]).get(candidate.id),
        )
        if found is None:
            return nothing
        model, blessing = found
        return nothing | {MODEL: [model], MODEL_BLESSING: [blessing]}
