"""The node graph that every paper shares; a paper passes its parts in.

ExampleGen ─┬─> StatisticsGen ─> ExampleValidator ─┐
Schema ─────┴─> Transform ─────────────────────────┴─> Trainer ─> Baseline ─> Evaluator ─┬─> Report
                                                                                         └─> Pusher
A paper that trains in stages has one node more, BaseModel ─> Trainer: the model to go on from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow_data_validation as tfdv
from tfx.components import StatisticsGen, Trainer, Transform
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2
from tfx.types import Channel
from tfx.types.standard_artifacts import Model, ModelBlessing

from components.evaluators.base_model import LatestBlessedOfProtocol
from components.evaluators.baseline import LatestBlessedBeforeCandidate
from components.evaluators.benchmark_metrics import metric_modules
from components.evaluators.blessed_models import EVALUATION_PROTOCOL
from components.evaluators.counted_evaluator import CountedEvaluator
from components.evaluators.eval_config import MetricOptions, build_eval_config
from components.evaluators.evaluation_config import EvaluationConfig
from components.example_validators.strict_example_validator import StrictExampleValidator
from components.lineage.metadata_uri import connection_config
from components.pushers.atomic_pusher import AtomicPusher
from components.reports.render import TEMPLATE_DIR
from components.reports.report_component import Report
from pipelines.code_digest import code_digest
from pipelines.configs.paper_config import ResolvedConfig


@dataclass(frozen=True)
class RunPlace:
    """Where a pipeline runs.

    Attributes:
        root: Directory (or object store prefix) of everything a run leaves behind.
        metadata_uri: The ML Metadata store, for example `sqlite:///runs/metadata.sqlite`.
        data_root: The data set in its official layout.
        beam_args: Options of every Beam node, as Beam takes them.
    """

    root: str
    metadata_uri: str
    data_root: str
    beam_args: tuple[str, ...] = ()

    def below_root(self, *parts: str) -> str:
        """A path below the root."""
        return "/".join((self.root.rstrip("/"), *parts))


@dataclass(frozen=True)
class BaseModel:
    """The model that training goes on from, where a paper trains in stages.

    Attributes:
        protocol: The latest blessed model of this `evaluation_protocol` is taken; empty: none. The
            node is there either way: a pipeline has the same nodes whatever its settings.
        fix: What to run where there is none.
    """

    protocol: str
    fix: str


@dataclass(frozen=True)
class PaperParts:
    """What a paper passes in.

    Attributes:
        name: The pipeline's name.
        paper: The package below `components/trainers`.
        example_gen: Reads the data set's official layout.
        example_gen_module: The module whose code that node runs.
        schema: Path of the curated schema.
        transform_module: Module with the `preprocessing_fn`.
        transform_config: What `preprocessing_fn` gets as `custom_config`.
        trainer_config: The sections of the configuration that training depends on.
        evaluation: The benchmark's metrics and gates.
        evaluation_protocol: Only models of the same protocol are compared with each other.
        metric_options: Metric -> further settings of it.
        base_model: For a paper that trains in stages.
    """

    name: str
    paper: str
    example_gen: BaseComponent
    example_gen_module: str
    schema: Path
    transform_module: str
    transform_config: dict[str, object]
    trainer_config: dict[str, object]
    evaluation: EvaluationConfig
    evaluation_protocol: str
    metric_options: MetricOptions = field(default_factory=dict)
    base_model: BaseModel | None = None


def create_paper_pipeline(parts: PaperParts, place: RunPlace, resolved: ResolvedConfig) -> Pipeline:
    """The pipeline of a paper, ready to compile or run."""
    example_gen = parts.example_gen.with_id("ExampleGen")
    schema = ImportSchemaGen(schema_file=str(parts.schema)).with_id("Schema")
    statistics_gen = StatisticsGen(
        examples=example_gen.outputs["examples"],
        schema=schema.outputs["schema"],
        stats_options=tfdv.StatsOptions(enable_semantic_domain_stats=True),
    )
    example_validator = StrictExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema.outputs["schema"]
    ).with_id("ExampleValidator")
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn=f"{parts.transform_module}.preprocessing_fn",
        custom_config=parts.transform_config,
        materialize=False,
        disable_statistics=True,
    )
    base_model = None if parts.base_model is None else _base_model_resolver(parts.base_model)
    trainer_code = code_digest(
        "components.trainers.run", f"components.trainers.{parts.paper}.trainer"
    )
    trainer = Trainer(
        run_fn="components.trainers.run.run_fn",
        examples=example_gen.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        base_model=None if base_model is None else base_model.outputs["model"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config={
            "paper": parts.paper,
            "config": parts.trainer_config,
            "identity": trainer_code,
            "checkpoint_root": place.below_root("checkpoints"),
        },
    )
    trainer.add_upstream_node(example_validator)
    trainer.exec_properties[EVALUATION_PROTOCOL] = parts.evaluation_protocol
    baseline = Resolver(
        strategy_class=LatestBlessedBeforeCandidate,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
        candidate=trainer.outputs["model"],
    ).with_id("Baseline")
    evaluator = CountedEvaluator(
        examples=example_gen.outputs["examples"],
        example_splits=["eval"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        eval_config=build_eval_config(parts.evaluation, parts.metric_options),
    ).with_id("Evaluator")
    report = Report(
        examples=example_gen.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        model=trainer.outputs["model"],
        model_run=trainer.outputs["model_run"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        paper=parts.paper,
        config_json=resolved.to_json(),
        metadata_uri=place.metadata_uri,
    )
    pusher = AtomicPusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        base_directory=place.below_root("serving", parts.name),
    ).with_id("Pusher")

    evaluator_code = (
        "components.evaluators.eval_config",
        "components.evaluators.counted_evaluator",
        *metric_modules(parts.evaluation.metrics),
    )
    code = {
        example_gen: code_digest(parts.example_gen_module),
        schema: code_digest(files=[parts.schema]),
        statistics_gen: code_digest(),
        example_validator: code_digest("components.example_validators.strict_example_validator"),
        transform: code_digest(parts.transform_module),
        trainer: trainer_code,
        evaluator: code_digest(*evaluator_code),
        report: code_digest(
            "components.reports.report_component",
            f"components.reports.{parts.paper}_figures",
            files=sorted(TEMPLATE_DIR.iterdir()),
        ),
        pusher: code_digest("components.pushers.atomic_pusher"),
    }
    for component, digest in code.items():
        component.exec_properties["code_digest"] = digest
    components: list[BaseNode] = [*code, baseline]
    if base_model is not None:
        components.append(base_model)
    return Pipeline(
        pipeline_name=parts.name,
        pipeline_root=place.below_root("artifacts", parts.name),
        components=components,
        enable_cache=True,
        metadata_connection_config=connection_config(place.metadata_uri),
        beam_pipeline_args=list(place.beam_args),
    )


def _base_model_resolver(base_model: BaseModel) -> Resolver:
    return Resolver(
        strategy_class=LatestBlessedOfProtocol,
        config={"protocol": base_model.protocol, "fix": base_model.fix},
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
    ).with_id("BaseModel")


def section(resolved: ResolvedConfig, name: str) -> dict[str, object]:
    """A section of the configuration as plain data."""
    values: dict[str, object] = json.loads(resolved.to_json())[name]
    return values
