"""Every pipeline's nodes as executions of a metadata store, without running any of them."""

from __future__ import annotations

import os
from pathlib import Path

from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import execution_publish_utils, inputs_utils
from tfx.orchestration.portable.mlmd import context_lib

from components.lineage.metadata_uri import PASSWORD_VARIABLE
from pipelines.configs.paper_config import resolve_config
from pipelines.registry import PIPELINES
from pipelines.runners.kubeflow_node import TaskRequest, build_pipeline
from pipelines.runners.node import open_metadata

PRESET = "paper"


def register_all(metadata_uri: str, password: str, log_file: Path) -> None:
    """Registers the nodes of each pipeline's largest preset and reads them back.

    Raises:
        AssertionError: If the store keeps something else than it was given.
    """
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ[PASSWORD_VARIABLE] = password
    for name, entry in PIPELINES.items():
        request = TaskRequest(
            pipeline=name,
            run_id=f"run-of-{name}",
            resolved=resolve_config(entry.load_config(), PRESET, ()),
            root="/papergarden/runs",
            data_root="/papergarden/data",
            metadata_uri=metadata_uri,
            git_commit="0" * 40,
        )
        pipeline = build_pipeline(request)
        for node in (one.pipeline_node for one in pipeline.nodes):
            given = data_types_utils.build_parsed_value_dict(
                inputs_utils.resolve_parameters_with_schema(node.parameters)
            )
            with open_metadata(pipeline) as handle:
                contexts = context_lib.prepare_contexts(handle, node.contexts)
                execution = execution_publish_utils.register_execution(
                    handle, node.node_info.type, contexts, exec_properties=given
                )
                [kept] = handle.store.get_executions_by_id([execution.id])
                found = handle.store.get_contexts_by_execution(execution.id)
            for key in execution.custom_properties:
                assert kept.custom_properties[key] == execution.custom_properties[key], key
            for key in execution.properties:
                assert kept.properties[key] == execution.properties[key], key
            assert set(given) <= set(kept.custom_properties) | set(kept.properties)
            facts = {one.type: one.custom_properties for one in found}["pipeline_run"]
            assert facts["config"].string_value == request.resolved.to_json()
        print("registered", name, len(pipeline.nodes), flush=True)
