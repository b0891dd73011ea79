import json
import math

from components.evaluators.category_values import CategoryValues


def test_what_is_written_is_read_again():
    values = CategoryValues({1: {"ap": 0.1 + 0.2, "ap_small": math.nan}}, {"precision_50": [1.0]})
    text = values.to_text()
    read = CategoryValues.from_text(text)
    assert read.values[1]["ap"] == 0.1 + 0.2
    assert math.isnan(read.values[1]["ap_small"])
    assert read.curves == {"precision_50": [1.0]}
    # Strict JSON has no NaN.
    json.loads(text, parse_constant=lambda name: 1 / 0)
