"""The picture of a run, and the layout below it."""

from __future__ import annotations

import dataclasses
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.lineage.graph import Artifact, Edge, Execution, LineageGraph, RunLineage
from components.lineage.layout import Size, place
from components.lineage.picture import as_png, as_svg, draw
from components.lineage.query import run_lineage
from components.lineage.scene import PALETTE, Arrow, Box, Text


def test_every_node_and_output_is_drawn(recorder: Any, record_run: Any) -> None:
    first = record_run(recorder, "run-a", number=1)
    reuse = {"examples": first["examples"]}
    record_run(recorder, "run-b", number=2, baseline=first["model"], reuse=reuse)
    lineage = run_lineage(recorder.store, "run-b")
    graph = lineage.graph.with_pending(["Deployer"])
    svg = ElementTree.fromstring(as_svg(dataclasses.replace(lineage, graph=graph)))
    texts = {"".join(one.itertext()) for one in svg.iter("{http://www.w3.org/2000/svg}text")}
    for node in lineage.graph.executions:
        assert node.node_id in texts
    assert "Deployer" in texts
    assert "from run run-a" in texts
    assert any(text.endswith("examples") for text in texts)
    for state in ("complete", "cached", "pending"):
        assert state in texts


def test_artifact_of_another_run_gets_a_card_of_its_own(recorder: Any, record_run: Any) -> None:
    first = record_run(recorder, "run-a", number=1)
    recorder.run("run-b")
    recorder.execution("run-b", "Pusher", inputs=[("model", first["model"])])
    scene = draw(run_lineage(recorder.store, "run-b"))
    texts = [shape.text for shape in scene.shapes if isinstance(shape, Text)]
    assert {"Trainer", "run run-a", "model", "Pusher"} <= set(texts)
    assert any(isinstance(shape, Arrow) for shape in scene.shapes)


def test_names_are_escaped() -> None:
    execution = Execution(1, "<script>alert(1)</script>", state="COMPLETE")
    artifact = Artifact(7, "Model", "/x/<b>&\"'")
    edge = Edge(1, 7, "output", "</text><script>")
    lineage = RunLineage(
        *("r", "<run>", "p", "COMPLETE", None, None),
        LineageGraph((execution,), {7: artifact}, (edge,)),
    )
    svg = as_svg(lineage)
    assert "<script" not in svg
    ElementTree.fromstring(svg)


def test_empty_run_is_a_picture_too() -> None:
    lineage = RunLineage("r", "r", "p", "NEW", None, None, LineageGraph())
    ElementTree.fromstring(as_svg(lineage))
    assert as_png(lineage).startswith(b"\x89PNG")


def test_png_shows_the_states_in_their_colours(recorder: Any, record_run: Any) -> None:
    record_run(recorder, "run-a", number=1)
    lineage = run_lineage(recorder.store, "run-a")
    scene = draw(lineage)
    pixels = np.asarray(Image.open(io.BytesIO(as_png(lineage, scale=2.0))).convert("RGB"))
    assert pixels.shape[1] == pytest.approx(2 * scene.width, abs=2)
    assert pixels.shape[0] == pytest.approx(2 * scene.height, abs=2)
    bars = [shape for shape in scene.shapes if isinstance(shape, Box) and shape.fill == "complete"]
    assert bars
    for bar in bars:
        x, y = bar.x + bar.width / 2, bar.y + bar.height / 2
        red, green, blue = pixels[round(2 * y), round(2 * x)]
        assert f"#{red:02x}{green:02x}{blue:02x}" == PALETTE["complete"][0]


@st.composite
def graphs(draw: Any) -> tuple[dict[str, Size], list[tuple[str, str]]]:
    names = [f"n{number}" for number in range(draw(st.integers(1, 9)))]
    sizes = {name: Size(draw(st.integers(20, 200)), draw(st.integers(10, 60))) for name in names}
    pairs = [(a, b) for at, a in enumerate(names) for b in names[at + 1 :]]
    return sizes, draw(st.lists(st.sampled_from(pairs), max_size=14)) if pairs else []


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_no_two_cards_overlap_and_every_edge_points_down(
    graph: tuple[dict[str, Size], list[tuple[str, str]]],
) -> None:
    sizes, edges = graph
    layout = place(sizes, edges)
    spans = [
        (x - sizes[name].width / 2, x + sizes[name].width / 2, y, y + sizes[name].height)
        for name, (x, y) in layout.centres.items()
    ]
    for number, (left, right, top, bottom) in enumerate(spans):
        assert left >= -1e-6
        assert right <= layout.size.width + 1e-6
        assert bottom <= layout.size.height + 1e-6
        for other_left, other_right, other_top, other_bottom in spans[:number]:
            beside = right <= other_left + 1e-6 or other_right <= left + 1e-6
            assert beside or bottom <= other_top or other_bottom <= top
    for source, target in edges:
        assert layout.centres[source][1] + sizes[source].height < layout.centres[target][1]
        for x, y in layout.routes[source, target]:
            for left, right, top, bottom in spans:
                assert not (left < x < right and top < y < bottom)


def test_straight_chain_is_drawn_straight() -> None:
    sizes = {name: Size(100, 40) for name in "abc"}
    layout = place(sizes, [("a", "b"), ("b", "c")])
    assert len({round(x, 3) for x, _ in layout.centres.values()}) == 1
