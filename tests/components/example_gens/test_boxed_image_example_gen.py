"""The ExampleGen of boxed pictures reads the data set that its settings name."""

import json

import pytest

pytestmark = pytest.mark.e2e
pytest.importorskip("tfx")

from components.errors import ConfigError  # noqa: E402
from components.example_gens.boxed_image_example_gen import BoxedImageExampleGen  # noqa: E402
from components.example_gens.dataset_executor import source_of_execution  # noqa: E402


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        ({}, "CubSource"),
        ({"dataset": "stanford_cars"}, "StanfordCarsSource"),
        ({"dataset": "stanford_dogs", "super_classes": 6}, "StanfordDogsSource"),
    ],
)
def test_source_follows_the_data_set(tmp_path, settings, source):
    component = BoxedImageExampleGen(str(tmp_path), settings)
    found = source_of_execution(component.exec_properties)
    assert type(found).__name__ == source
    splits = json.loads(component.exec_properties["input_config"])["splits"]
    assert [split["name"] for split in splits] == ["train", "eval"]


def test_wrong_settings_are_refused_when_the_pipeline_is_built(tmp_path):
    with pytest.raises(ConfigError, match=r"data\.image_size"):
        BoxedImageExampleGen(str(tmp_path), {"image_size": 100})
