"""How training is told in a line."""

from __future__ import annotations

from typing import Any

import pytest

from components.reports.training_words import training_in_words


@pytest.mark.parametrize(
    ("experiment", "training", "words"),
    [
        (
            {"batch_size": 1024},
            {"steps": 1200, "epochs": None, "learning_rate": 2e-4, "seed": 7},
            "1,200 steps of batch 1,024, Adam 0.0002, seed 7",
        ),
        ({"batch_size": 16}, {"steps": None, "epochs": 2.5}, "2.5 epochs of batch 16"),
        ({}, {"steps": 0, "epochs": 9.0, "seed": 0}, "0 steps, seed 0"),
        ({"batch_size": 16}, {"seed": 1}, "batch 16, seed 1"),
        ({}, {}, ""),
    ],
)
def test_what_is_known_is_told(
    experiment: dict[str, Any], training: dict[str, Any], words: str
) -> None:
    config = {"experiment": experiment, "training": training}
    assert training_in_words(config, "Adam") == words
