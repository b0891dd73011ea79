"""The work of the shared ExampleGen: read every record, write the good ones, account for the rest.

The order of the output is the order of the source's references, whatever the number of workers: the
same data gives the same bytes.
"""

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.example_gens.record_accounts import Accounts
from components.example_gens.record_source import RecordSource
from components.example_gens.record_writer import Shard, cut_into_shards, write_shard
from components.example_gens.split_files import (
    COUNTS_FILE,
    REJECTED_OBJECTS_FILE,
    REJECTS_FILE,
    split_dir,
)

RECORD_SOURCE_KEY = "record_source"

_SUMMARIES_FILE = "shards.json"


def source_of_execution(exec_properties: Mapping[str, Any]) -> RecordSource:
    """The data set that an execution of ExampleGen reads."""
    described = json.loads(exec_properties[RECORD_SOURCE_KEY])
    source = getattr(importlib.import_module(described["module"]), described["class"])
    data_root = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    return source.from_settings(data_root, described["settings"])


class _WriteShard(beam.DoFn):
    """Writes a shard and yields what it has to say about it."""

    def __init__(self, exec_properties: dict[str, Any], uri: str) -> None:
        self._exec_properties = exec_properties
        self._uri = uri

    def setup(self) -> None:
        """Opens the data set once a worker."""
        self._source = source_of_execution(self._exec_properties)

    def process(self, shard: Shard) -> Any:
        """Reads the shard's records."""
        yield write_shard(self._source, shard, split_dir(self._uri, shard.split))


class DatasetExecutor(base_beam_executor.BaseBeamExecutor):
    """Writes `Split-<name>/data_tfrecord-….gz`, `counts.json`, `rejects.json` and, where objects of
    a record were rejected, `rejected_objects.json`.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Reads the data set.

        Raises:
            DataError: More records are rejected than allowed, a split is empty, or records were
                lost.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        source = source_of_execution(exec_properties)
        references = {split: source.references(split) for split in source.SPLITS}
        summaries = self._write(source, references, examples.uri, exec_properties)
        accounts = Accounts.of(
            {split: len(found) for split, found in references.items()}, summaries
        )
        accounts.check(str(exec_properties[standard_component_specs.INPUT_BASE_KEY]), source)
        _write_json(f"{examples.uri}/{COUNTS_FILE}", accounts.counts())
        _write_json(f"{examples.uri}/{REJECTS_FILE}", accounts.rejects)
        if accounts.rejected_objects:
            _write_json(f"{examples.uri}/{REJECTED_OBJECTS_FILE}", accounts.rejected_objects)
        _describe(examples, source, accounts)

    def _write(
        self,
        source: RecordSource,
        references: Mapping[str, Sequence[Any]],
        uri: str,
        exec_properties: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Runs the Beam pipeline and returns what each shard has to say.

        What is computed on a worker comes back through a file, for that works on every runner.
        """
        shards = cut_into_shards(references, source.RECORDS_PER_SHARD)
        for split in references:
            fileio.makedirs(split_dir(uri, split))
        summaries_path = f"{uri}/{_SUMMARIES_FILE}"
        plain = {
            key: exec_properties[key]
            for key in (RECORD_SOURCE_KEY, standard_component_specs.INPUT_BASE_KEY)
        }
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(shards)
                | "Spread" >> beam.Reshuffle()
                | "WriteShard" >> beam.ParDo(_WriteShard(plain, uri))
                | "Gather" >> beam.combiners.ToList()
                | "Report" >> beam.Map(lambda found: _write_json(summaries_path, found))
            )
        with fileio.open(summaries_path) as file:
            summaries = json.load(file)
        fileio.remove(summaries_path)
        return summaries


def _describe(examples: types.Artifact, source: RecordSource, accounts: Accounts) -> None:
    """Notes on the artifact what the next components and the lineage ask for."""
    examples.split_names = artifact_utils.encode_split_names(list(source.SPLITS))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    for name, numbers in (
        ("record_counts", accounts.written),
        ("rejected", accounts.rejected_by_reason()),
        ("rejected_objects", accounts.rejected_objects_by_reason()),
        ("conversions", accounts.conversions),
    ):
        examples.set_string_custom_property(name, json.dumps(numbers, sort_keys=True))


def _write_json(path: str, content: Any) -> None:
    with fileio.open(path, "w") as file:
        file.write(json.dumps(content, indent=2, sort_keys=True) + "\n")
