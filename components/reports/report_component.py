"""The Report component: one HTML file that tells what a run did and how well it came out."""

import dataclasses
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import path_utils

from components.errors import ConfigError, RunError
from components.evaluators.verdict import read_verdict
from components.example_gens.split_files import split_files
from components.lineage.graph import RunLineage
from components.lineage.metadata_uri import connection_config
from components.lineage.patient_store import PatientStore
from components.lineage.query import run_lineage
from components.reports.content import PaperInputs, find_paper_content
from components.reports.environment import collect_environment
from components.reports.history import read_history
from components.reports.render import render_html, report_json
from components.reports.report import Report as ReportContent

REPORT_FILE = "report.html"
DATA_FILE = "report.json"
EVAL_SPLIT = "eval"

Artifacts = dict[str, list[types.Artifact]]


class PapergardenReportV1(types.Artifact):
    """A report: `report.html`, `report.json` and the paper's pictures.

    Types of artifacts are shared by everything in a metadata store and cannot change, so what is
    free in form stands in custom properties (`verdict`: JSON of the verdict), and a change of the
    declared ones would be a `V2`.
    """

    TYPE_NAME = "PapergardenReportV1"


class ReportSpec(component_spec.ComponentSpec):
    """What the Report component takes and gives."""

    PARAMETERS = {
        "paper": component_spec.ExecutionParameter(type=str),
        "config_json": component_spec.ExecutionParameter(type=str),
        "metadata_uri": component_spec.ExecutionParameter(type=str),
        "later_nodes": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_run": component_spec.ChannelParameter(type=standard_artifacts.ModelRun),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS = {
        "report": component_spec.ChannelParameter(type=PapergardenReportV1),
    }


class ReportExecutor(base_executor.BaseExecutor):
    """Gathers what the run left behind and writes the report."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes `report.html`, `report.json` and the paper's pictures into `report`.

        Raises:
            ConfigError: The paper has no report module, or the configuration is no JSON object.
            RunError: The executor was not told which run it belongs to.
            LineageError: The metadata store does not know the run.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifact_utils.get_single_instance(output_dict["report"])
        report = self._report(input_dict, exec_properties)
        for name, content in report.content.files.items():
            _write(output.uri, name, content)
        _write(output.uri, DATA_FILE, report_json(report).encode())
        _write(output.uri, REPORT_FILE, render_html(report).encode())
        verdict = {} if report.verdict is None else report.verdict.as_json()
        output.set_string_custom_property("verdict", json.dumps(verdict))
        output.set_string_custom_property("paper", report.paper)
        output.set_string_custom_property("task", report.task)
        logging.getLogger(__name__).info("wrote %s", os.path.join(output.uri, REPORT_FILE))

    def _report(self, input_dict: Artifacts, exec_properties: Mapping[str, Any]) -> ReportContent:
        paper = exec_properties["paper"]
        config = _parse_config(exec_properties["config_json"])
        make_content = find_paper_content(paper)
        lineage = self._lineage(exec_properties)
        history = read_history(_uri(input_dict, "model_run"))
        return ReportContent(
            paper=paper,
            task=_task(config),
            content=make_content(_paper_inputs(input_dict, config)),
            lineage=lineage,
            verdict=read_verdict(
                _uri(input_dict, "evaluation"),
                _uri(input_dict, "blessing"),
                baseline_name=_baseline_name(lineage),
            ),
            history=history,
            environment=collect_environment(history.facts),
            config=config,
            created_ms=round(time.time() * 1000),
        )

    def _lineage(self, exec_properties: Mapping[str, Any]) -> RunLineage:
        """The run so far: this node is still running, later ones are pending."""
        run_id = self._context.pipeline_run_id if self._context else None
        if not run_id:
            raise RunError(
                "The Report node was not told which run it belongs to",
                expected="a pipeline run id in the executor's context",
                fix="run the node through Papergarden's runners",
            )
        store = PatientStore(connection_config(exec_properties["metadata_uri"], read_only=True))
        lineage = run_lineage(store, run_id)
        later = json.loads(exec_properties.get("later_nodes") or "[]")
        return dataclasses.replace(lineage, graph=lineage.graph.with_pending(later))


class Report(base_component.BaseComponent):
    """Writes a self-contained HTML report of the run, downstream of the Evaluator.

    Args:
        examples: ExampleGen's records; those of the split `eval` are shown.
        transform_graph: Transform's graph.
        model: The Trainer's model, with the signature `evaluate`.
        model_run: The Trainer's curves and logs.
        evaluation: The Evaluator's metrics.
        blessing: The Evaluator's decision.
        paper: The paper's short name; `components/reports/<paper>_figures.py` makes its pictures.
        config_json: The resolved configuration.
        metadata_uri: The metadata store, to be asked for the lineage of this run.
        later_nodes: Nodes that end after the report is made; shown as pending.
    """

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ReportExecutor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        model: types.BaseChannel,
        model_run: types.BaseChannel,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        paper: str,
        config_json: str,
        metadata_uri: str,
        later_nodes: Sequence[str] = ("Pusher",),
    ) -> None:
        super().__init__(
            ReportSpec(
                examples=examples,
                transform_graph=transform_graph,
                model=model,
                model_run=model_run,
                evaluation=evaluation,
                blessing=blessing,
                paper=paper,
                config_json=config_json,
                metadata_uri=metadata_uri,
                later_nodes=json.dumps(list(later_nodes)),
                report=types.Channel(type=PapergardenReportV1),
            )
        )


def _parse_config(text: str) -> Mapping[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ConfigError(
            "The Report node's config_json is no JSON", found=text[:200], expected="a JSON object"
        ) from error
    if not isinstance(config, dict):
        raise ConfigError(
            "The Report node's config_json is no JSON object",
            found=text[:200],
            expected='{"section": {"key": value}}',
        )
    return config


def _task(config: Mapping[str, Any]) -> str:
    """What others' results are looked up by: a paper's task, or the data set of its only one."""
    experiment, data = config.get("experiment", {}), config.get("data", {})
    return str(experiment.get("task") or data.get("task") or data.get("dataset", ""))


def _baseline_name(lineage: RunLineage) -> str:
    baseline = lineage.baseline
    return f"the blessed model of run {baseline.run_id}" if baseline and baseline.run_id else ""


def _paper_inputs(input_dict: Artifacts, config: Mapping[str, Any]) -> PaperInputs:
    return PaperInputs(
        config=config,
        example_files=tuple(split_files(_uri(input_dict, "examples"), EVAL_SPLIT)),
        transform_dir=_uri(input_dict, "transform_graph"),
        saved_model_dir=path_utils.serving_model_path(_uri(input_dict, "model")),
        evaluation_dir=_uri(input_dict, "evaluation"),
    )


def _uri(input_dict: Artifacts, key: str) -> str:
    return str(artifact_utils.get_single_uri(input_dict[key]))


def _write(directory: str, name: str, content: bytes) -> None:
    with fileio.open(os.path.join(directory, name), "wb") as file:
        file.write(content)
