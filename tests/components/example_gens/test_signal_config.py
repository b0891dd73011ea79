"""The data section refuses what it cannot use."""

import pytest

from components.errors import ConfigError
from components.example_gens.signal_config import SignalDataConfig, task_and_config


@pytest.mark.parametrize(
    "fields",
    [
        {"height": 1},
        {"width": 0},
        {"channels": 4},
        {"keep_probability": 0.0},
        {"keep_probability": 1.1},
        {"max_rejected_share": -0.1},
    ],
)
def test_value_out_of_range_names_the_setting(fields):
    (name,) = fields
    with pytest.raises(ConfigError, match=f"data.{name}"):
        SignalDataConfig(**fields)


def test_task_and_fields_are_read():
    task, config = task_and_config({"task": "video", "height": 8, "width": 6, "channels": 1})
    assert (task, config.height, config.width, config.channels) == ("video", 8, 6, 1)


@pytest.mark.parametrize("settings", [{}, {"task": "sing"}, {"task": "image", "hieght": 8}])
def test_unknown_task_or_setting_is_refused(settings):
    with pytest.raises(ConfigError, match="unknown"):
        task_and_config(settings)
