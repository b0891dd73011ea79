"""The lineage of a run in a form that two runs of the same pipeline share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2

# Sizes of files that tell times and paths, and a version that is a time.
UNLIKE = ("num_bytes", "pushed_version")
ARTIFACT_IDS = ("current_model_id", "baseline_model_id")
# Somebody may commit between the two runs.
GIT_COMMIT = "git_commit"
# Its name is a digest of paths, among others.
CACHE_CONTEXT = "execution_cache"


class LineageForm:
    """Everything that ML Metadata knows of a run, less paths, ids and times.

    Args:
        store: The store.
        run_id: The run.
        root: Its root.
        uri: The store's URI.
        installed: Folders that code and packages of the run were in.
    """

    def __init__(
        self, store: MetadataStore, run_id: str, root: str, uri: str, installed: Iterable[str] = ()
    ) -> None:
        self._store, self._run_id = store, run_id
        # A folder may lie in another.
        folders = dict.fromkeys(installed, "<installed>") | {uri: "<store>", root: "<root>"}
        self._places = sorted(folders.items(), key=lambda place: -len(place[0]))
        [run] = [one for one in store.get_contexts_by_type("pipeline_run") if one.name == run_id]
        executions = store.get_executions_by_context(run.id)
        self._nodes = {one.id: self._node(one.id) for one in executions}
        events = store.get_events_by_execution_ids(list(self._nodes))
        self._artifacts = self._named_artifacts(events)
        self.contexts = _sorted(
            (one.type, self._context_name(one), self._properties(one))
            for one in store.get_contexts()
        )
        self.executions = _sorted(
            (
                self._nodes[one.id],
                one.type,
                metadata_store_pb2.Execution.State.Name(one.last_known_state),
                self._contexts(store.get_contexts_by_execution(one.id)),
                self._properties(one),
            )
            for one in executions
        )
        self.artifacts = _sorted(
            (
                self._artifacts[one.id],
                one.type,
                metadata_store_pb2.Artifact.State.Name(one.state),
                self._text(one.uri),
                self._contexts(store.get_contexts_by_artifact(one.id)),
                self._properties(one),
            )
            for one in store.get_artifacts_by_id(sorted(self._artifacts))
        )
        self.events = _sorted(
            (
                self._nodes[one.execution_id],
                metadata_store_pb2.Event.Type.Name(one.type),
                [step.key or str(step.index) for step in one.path.steps],
                self._artifacts[one.artifact_id],
            )
            for one in events
        )
        self.types = _sorted(
            (kind, one.name, sorted(one.properties.items()))
            for kind, found in (
                ("artifact", store.get_artifact_types()),
                ("execution", store.get_execution_types()),
                ("context", store.get_context_types()),
            )
            for one in found
        )

    def _node(self, execution_id: int) -> str:
        [node] = [
            one.name
            for one in self._store.get_contexts_by_execution(execution_id)
            if one.type == "node"
        ]
        return str(node)

    def _named_artifacts(self, events: list[metadata_store_pb2.Event]) -> dict[int, str]:
        """Artifact -> the node that made it, and by which key."""
        return {
            one.artifact_id: ":".join(
                [
                    self._nodes[one.execution_id],
                    *(step.key or str(step.index) for step in one.path.steps),
                ]
            )
            for one in events
            if one.type == metadata_store_pb2.Event.OUTPUT
        }

    def _contexts(self, contexts: list[metadata_store_pb2.Context]) -> list[tuple[str, str]]:
        return sorted((one.type, self._context_name(one)) for one in contexts)

    def _context_name(self, context: metadata_store_pb2.Context) -> str:
        return "<key>" if context.type == CACHE_CONTEXT else self._text(context.name)

    def _properties(self, proto: Any) -> dict[str, Any]:
        return {
            f"{kind}.{name}": self._value(name, value)
            for kind in ("properties", "custom_properties")
            for name, value in sorted(getattr(proto, kind).items())
            if name not in UNLIKE
        }

    def _value(self, name: str, value: metadata_store_pb2.Value) -> Any:
        found = getattr(value, value.WhichOneof("value"))
        if name == GIT_COMMIT:
            return bool(found)
        if name in ARTIFACT_IDS:
            return self._artifacts[int(found)]
        return self._text(found) if isinstance(found, str) else found

    def _text(self, text: str) -> str:
        for folder, name in self._places:
            text = text.replace(folder, name)
        text = text.replace(self._run_id, "<run>")
        return re.sub(r"(?<=/)\d+(?=/|$)", "<id>", text)

    def as_dict(self) -> Mapping[str, Any]:
        """Its parts by name."""
        return {
            name: getattr(self, name)
            for name in ("types", "contexts", "executions", "artifacts", "events")
        }


def _sorted(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """By their text: dictionaries among them cannot be compared."""
    return sorted(rows, key=repr)
