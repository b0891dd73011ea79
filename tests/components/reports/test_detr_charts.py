"""Every curve of DETR's training has a chart."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from components.reports.detr_charts import charts

DETR_TESTS = Path(__file__).parents[1] / "trainers" / "detr"


@pytest.mark.parametrize("masks", [False, True])
def test_every_curve_of_the_training_has_a_chart(
    masks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(DETR_TESTS), *sys.path])
    from tiny_detr import make_task

    task = make_task(counts=(1,), network={"masks": masks})
    batch = next(iter(task.dataset(0)))
    terms = task.objective.terms(batch, task.objective.totals(batch))
    curves = {*terms, *task.summarize(0).scalars} - {"learning_rate"}
    config = {"network": dataclasses.asdict(task.network)}
    drawn = {name for chart in charts(config) for name in chart.curves}
    assert drawn == curves


def test_a_single_layer_is_not_compared_with_others() -> None:
    for network in ({"decoder_layers": 1}, {"auxiliary_losses": False}):
        titles = [chart.title for chart in charts({"network": network})]
        assert not [title for title in titles if "layer" in title]
        assert len(titles) == 6


def test_layers_are_compared_from_the_first_to_the_last() -> None:
    [chart] = [one for one in charts({}) if one.title == "Boxes, L1 distance: by layer"]
    assert chart.curves == (*(f"loss_bbox_{layer}" for layer in range(5)), "loss_bbox")
