"""Which model training goes on from, where a paper trains in stages."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types import Artifact

from components.errors import RunError
from components.evaluators.baseline import MODEL, MODEL_BLESSING
from components.evaluators.blessed_models import latest_blessed


class LatestBlessedOfProtocol(ResolverStrategy):
    """Resolves `model` to the latest blessed model of an evaluation protocol.

    Args:
        protocol: The `evaluation_protocol` of the stage before; empty: training goes on from no
            model, and none is looked for.
        fix: What to run where there is none.
    """

    def __init__(self, protocol: str, fix: str) -> None:
        self._protocol, self._fix = protocol, fix

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Resolves the two channels.

        Args:
            store: The metadata store.
            input_dict: `model` and `model_blessing` of the whole pipeline.

        Returns:
            One model and its blessing, or none of both where none is asked for.

        Raises:
            RunError: There is no such model.
        """
        if not self._protocol:
            return {MODEL: [], MODEL_BLESSING: []}
        found = latest_blessed(
            store,
            input_dict.get(MODEL, []),
            input_dict.get(MODEL_BLESSING, []),
            self._protocol,
        )
        if found is None:
            raise RunError(
                "there is no blessed model to go on from",
                found=f"none of {len(input_dict.get(MODEL, []))} models in the metadata store",
                expected=f"one that was trained and blessed with {self._protocol}",
                fix=self._fix,
            )
        model, blessing = found
        return {MODEL: [model], MODEL_BLESSING: [blessing]}
