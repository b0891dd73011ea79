"""The ExampleGen as TFX runs it: driver, Beam, artifact."""

import json

import pytest
import tensorflow as tf
from PIL import Image

pytestmark = pytest.mark.e2e
pytest.importorskip("tfx")

from tfx.components.example_gen import driver as example_gen_driver  # noqa: E402
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor  # noqa: E402
from tfx.types import standard_artifacts  # noqa: E402

from components.errors import DataError  # noqa: E402
from components.example_gens.dataset_example_gen import DatasetDriver  # noqa: E402
from components.example_gens.dataset_executor import DatasetExecutor  # noqa: E402
from components.example_gens.signal_example_gen import SignalExampleGen  # noqa: E402
from components.example_gens.split_files import count_records, read_records, split_files  # noqa: E402

BEAM_ARGS = [
    "--runner=apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    "--sdk_container_image=local",
]


@pytest.fixture
def film(tmp_path):
    """Three frames; the second one has a palette."""
    folder = tmp_path / "film"
    folder.mkdir()
    for index in range(3):
        frame = Image.new("RGB", (6, 4), (index * 50, 0, 0))
        (frame.quantize(4) if index == 1 else frame).save(folder / f"{index}.png")
    return folder


def settings(**more):
    return {"task": "video", "height": 4, "width": 4, "channels": 3, **more}


def resolved(component) -> dict:
    properties = dict(component.exec_properties)
    return DatasetDriver(None).resolve_exec_properties(properties, None, None)


def execute(component, uri):
    """What the launcher does: driver, then executor."""
    examples = standard_artifacts.Examples()
    examples.uri = str(uri)
    properties = resolved(component)
    example_gen_driver.update_output_artifact(properties, examples.mlmd_artifact)
    context = BaseBeamExecutor.Context(beam_pipeline_args=BEAM_ARGS, tmp_dir=str(uri))
    DatasetExecutor(context).Do({}, {"examples": [examples]}, properties)
    return examples


def test_film_becomes_a_counted_artifact(film, tmp_path):
    examples = execute(SignalExampleGen(str(film), settings()), tmp_path / "examples")
    assert json.loads(examples.split_names) == ["train", "eval"]
    assert json.loads(examples.get_string_custom_property("record_counts")) == {
        "train": 3,
        "eval": 3,
    }
    assert json.loads(examples.get_string_custom_property("rejected")) == {}
    assert json.loads(examples.get_string_custom_property("conversions")) == {
        "palette_expanded": 2,
        "reencoded_as_png": 2,
    }
    assert len(examples.get_string_custom_property("input_fingerprint")) == 64
    assert examples.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    for split in ("train", "eval"):
        assert count_records(examples.uri, split) == 3
    records = read_records(split_files(examples.uri, "train"))
    features = [tf.train.Example.FromString(one.numpy()).features.feature for one in records]
    assert [one["image/id"].bytes_list.value[0] for one in features] == [
        b"0.png",
        b"1.png",
        b"2.png",
    ]
    left = sorted(path.name for path in (tmp_path / "examples").iterdir() if path.is_file())
    assert left == ["counts.json", "rejects.json"]


def test_rejected_frame_is_listed_when_the_share_allows_it(film, tmp_path):
    (film / "1.png").write_bytes(b"<html></html>")
    component = SignalExampleGen(str(film), settings(max_rejected_share=0.4))
    examples = execute(component, tmp_path / "examples")
    assert json.loads(examples.get_string_custom_property("rejected")) == {"not_a_picture": 2}
    rejects = json.loads((tmp_path / "examples" / "rejects.json").read_text())
    assert [(one["split"], one["key"]) for one in rejects] == [
        ("eval", "1.png"),
        ("train", "1.png"),
    ]
    counts = json.loads((tmp_path / "examples" / "counts.json").read_text())
    assert counts["splits"]["train"] == {"listed": 3, "written": 2, "rejected": 1}


def test_faulty_frame_ends_the_run_with_its_own_error(film, tmp_path):
    (film / "1.png").write_bytes(b"<html></html>")
    with pytest.raises(DataError, match=r"1\.png is not a picture") as caught:
        execute(SignalExampleGen(str(film), settings()), tmp_path / "examples")
    assert caught.value.found == "an HTML page"


def test_fingerprint_decides_the_cache_key(film):
    component = SignalExampleGen(str(film), settings())
    before = resolved(component)
    assert resolved(component) == before
    Image.new("RGB", (6, 4), "blue").save(film / "1.png")
    after = resolved(component)
    assert after["input_fingerprint"] != before["input_fingerprint"]


def test_settings_are_in_the_cache_key(film):
    one = SignalExampleGen(str(film), settings()).exec_properties
    two = SignalExampleGen(str(film), settings(height=5)).exec_properties
    assert one != two
    assert json.loads(one["record_source"])["settings"]["task"] == "video"


def test_missing_folder_fails_in_the_driver(tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        resolved(SignalExampleGen(str(tmp_path / "nowhere"), settings()))
