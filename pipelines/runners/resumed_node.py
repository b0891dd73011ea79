"""What an earlier try of a node left behind, put in order before the node is launched again.

A pod that is retried has its run's id, so TFX's launcher finds the execution of the earlier try
and takes it up. Two things it leaves: files of an output that was not finished, and the open
execution of a resolver, which it would make a second time.
"""

from __future__ import annotations

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio
from tfx.orchestration.portable import outputs_utils
from tfx.orchestration.portable.mlmd import context_lib, execution_lib
from tfx.proto.orchestration import pipeline_pb2

from pipelines.runners.node import find_node, open_metadata
from pipelines.runners.patient_metadata import PatientMetadata

RESOLVER_TYPE = "tfx.dsl.components.common.resolver.Resolver"


def tidy_earlier_try(pipeline_ir: pipeline_pb2.Pipeline, node_id: str) -> int | None:
    """Puts in order what an earlier try of a node of this run left.

    Args:
        pipeline_ir: The compiled pipeline, from `bind_run`.
        node_id: The node that is about to be launched.

    Returns:
        The execution that the earlier try finished, if it did: the node need not be launched.
    """
    node = find_node(pipeline_ir, node_id)
    with open_metadata(pipeline_ir) as handle:
        for execution in executions_of_run(handle, node):
            if execution_lib.is_execution_successful(execution):
                return int(execution.id)
            if node.node_info.type.name == RESOLVER_TYPE:
                execution.last_known_state = metadata_store_pb2.Execution.CANCELED
                handle.store.put_executions([execution])
            else:
                _remove_outputs(pipeline_ir, node, execution.id)
    return None


def executions_of_run(
    handle: PatientMetadata, node: pipeline_pb2.PipelineNode
) -> list[metadata_store_pb2.Execution]:
    """The executions of a node in the run that its pipeline is bound to."""
    contexts = context_lib.prepare_contexts(handle, node.contexts)
    found: list[metadata_store_pb2.Execution] = (
        execution_lib.get_executions_associated_with_all_contexts(handle, contexts)
    )
    return found


def _remove_outputs(
    pipeline_ir: pipeline_pb2.Pipeline, node: pipeline_pb2.PipelineNode, execution_id: int
) -> None:
    outputs = outputs_utils.OutputsResolver(
        pipeline_node=node,
        pipeline_info=pipeline_ir.pipeline_info,
        pipeline_runtime_spec=pipeline_ir.runtime_spec,
    ).generate_output_artifacts(execution_id)
    for artifacts in outputs.values():
        for artifact in artifacts:
            if not artifact.is_external and fileio.exists(artifact.uri):
                fileio.rmtree(artifact.uri)
