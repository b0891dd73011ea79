"""The graph of a pipeline as the golden file has it: what `read_graph` gives, without TFX."""

from __future__ import annotations

from pathlib import Path

from compiled_run import read_documents

from pipelines.registry import find_pipeline
from pipelines.runners.kubeflow_graph import NodeGraph
from pipelines.runners.kubeflow_resources import PREPARE_TASK, VERDICT_TASK


def compiled_graph(pipeline: str, compiled_dir: Path) -> NodeGraph:
    """The graph of a registered pipeline.

    Args:
        pipeline: The pipeline.
        compiled_dir: The folder `kfp/compiled`.
    """
    specification, _ = read_documents(compiled_dir / f"{pipeline}.yaml")
    tasks = specification["root"]["dag"]["tasks"]
    titles = {key: task["taskInfo"]["name"] for key, task in tasks.items()}
    upstream = {
        titles[key]: tuple(titles[one] for one in task["dependentTasks"] if one != PREPARE_TASK)
        for key, task in tasks.items()
        if titles[key] not in (PREPARE_TASK, VERDICT_TASK)
    }
    ordered: dict[str, tuple[str, ...]] = {}
    while len(ordered) < len(upstream):
        ordered |= {
            name: before
            for name, before in upstream.items()
            if all(one in ordered for one in before)
        }
    return NodeGraph(pipeline, find_pipeline(pipeline).title, ordered)
