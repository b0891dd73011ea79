"""Draws a run's lineage: a card per node, coloured by state, its outputs hanging below it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from components.lineage.graph import Artifact, Execution, LineageGraph, RunLineage, is_resolver
from components.lineage.layout import Layout, Size, place
from components.lineage.render import duration, moment, original_seconds
from components.lineage.scene import (
    Arrow,
    Box,
    Scene,
    Shape,
    Text,
    shorten,
    text_width,
    to_png,
    to_svg,
)

_MARGIN = 16.0
_CARD_HEIGHT = 50.0
_PILL_HEIGHT = 19.0
_PILL_SIZE = 10.5
_TITLE_SIZE = 13.0
_NOTE_SIZE = 10.5
_LEGEND_HEIGHT = 30.0
_LEAF_OUTPUTS = 2

_STATE_COLOURS = {
    "COMPLETE": "complete",
    "CACHED": "cached",
    "RUNNING": "running",
    "NEW": "running",
    "FAILED": "failed",
    "CANCELED": "failed",
}


@dataclass(frozen=True)
class _Card:
    """A node to draw.

    Attributes:
        pills: (output key, artifact) that hang below the card.
    """

    name: str
    title: str
    note: str
    colour: str
    pills: tuple[tuple[str, Artifact], ...] = ()
    dashed: bool = False

    @property
    def pill_widths(self) -> list[float]:
        return [text_width(key, _PILL_SIZE) + 14 for key, _ in self.pills]

    @property
    def size(self) -> Size:
        pills = sum(self.pill_widths) + 6 * (len(self.pills) + 1)
        title = text_width(self.title, _TITLE_SIZE, bold=True) + 30
        width = max(132.0, pills, title, text_width(self.note, _NOTE_SIZE) + 30)
        return Size(width, _CARD_HEIGHT + (_PILL_HEIGHT / 2 if self.pills else 0))


def as_svg(lineage: RunLineage) -> str:
    """Returns the picture as an SVG document."""
    return to_svg(draw(lineage))


def as_png(lineage: RunLineage, scale: float = 2.0) -> bytes:
    """Returns the picture as PNG bytes, for where SVG cannot be shown."""
    return to_png(draw(lineage), scale)


def draw(lineage: RunLineage) -> Scene:
    """Returns the picture as shapes."""
    cards, edges = _cards(lineage.graph)
    layout = place(
        {card.name: card.size for card in cards}, [(source, target) for source, _, target in edges]
    )
    cards = [_with_sorted_pills(card, edges, layout) for card in cards]
    by_name = {card.name: card for card in cards}
    shapes: list[Shape] = [_arrow(by_name, layout, *edge) for edge in edges]
    for card in cards:
        shapes += _card_shapes(card, layout.centres[card.name])
    states = {card.colour for card in cards}
    width = max(layout.size.width, _legend_width(states)) + 2 * _MARGIN
    height = layout.size.height + 2 * _MARGIN + _LEGEND_HEIGHT
    shift = (width - layout.size.width) / 2
    moved = [_moved(shape, shift, _MARGIN) for shape in shapes]
    moved += _legend(states, _MARGIN, height - _MARGIN)
    return Scene(width, height, tuple(moved), f"Lineage of run {lineage.run_id}")


def _cards(graph: LineageGraph) -> tuple[list[_Card], list[tuple[str, str, str]]]:
    """Returns the cards and (source card, output key, target card)."""
    names = {one.execution_id: one.node_id for one in graph.executions}
    makers: dict[int, tuple[str, str]] = {}
    for edge in graph.edges:
        if edge.direction == "output":
            makers.setdefault(edge.artifact_id, (names[edge.execution_id], edge.key))
    strangers: dict[str, _Card] = {}
    edges: list[tuple[str, str, str]] = []
    for edge in graph.edges:
        if edge.direction == "output":
            continue
        if edge.artifact_id not in makers:
            card = _stranger(graph.artifacts[edge.artifact_id], edge.key)
            strangers[card.name] = card
            makers[edge.artifact_id] = (card.name, edge.key)
        edges.append((*makers[edge.artifact_id], names[edge.execution_id]))
    read = {(source, key) for source, key, _ in edges}
    nodes = {one.node_id: _node_card(graph, one, read) for one in graph.executions}
    return [*strangers.values(), *nodes.values()], list(dict.fromkeys(edges))


def _stranger(artifact: Artifact, key: str) -> _Card:
    """A card for what came from outside the run."""
    producer = artifact.producer
    note = shorten(f"run {producer.run_id}", 30) if producer else "origin unknown"
    title = producer.node_id if producer else artifact.type_name
    name = f"outside {artifact.artifact_id}"
    return _Card(name, title, note, "pending", ((key, artifact),), dashed=True)


def _node_card(graph: LineageGraph, execution: Execution, read: set[tuple[str, str]]) -> _Card:
    outputs = {
        edge.key: graph.artifacts[edge.artifact_id]
        for edge in graph.edges
        if edge.direction == "output" and edge.execution_id == execution.execution_id
    }
    shown = [key for key in outputs if (execution.node_id, key) in read]
    keys = shown or list(outputs)[:_LEAF_OUTPUTS]
    return _Card(
        name=execution.node_id,
        title=shorten(execution.node_id, 28),
        note=_note(graph, execution),
        colour=_STATE_COLOURS.get(execution.state, "pending"),
        pills=tuple((key, outputs[key]) for key in keys),
        dashed=execution.state in ("PENDING", "NEW", "RUNNING"),
    )


def _note(graph: LineageGraph, execution: Execution) -> str:
    if is_resolver(execution):
        found = [one.producer for one in graph.outputs(execution) if one.producer]
        return f"from run {shorten(found[0].run_id, 22)}" if found else "found nothing"
    if execution.state == "CACHED":
        seconds = original_seconds(graph, execution)
        return "cached" if seconds is None else f"cached, took {duration(seconds)}"
    if execution.seconds is None:
        return execution.state.lower()
    return f"{execution.state.lower()}, {duration(execution.seconds)}"


def _with_sorted_pills(card: _Card, edges: list[tuple[str, str, str]], layout: Layout) -> _Card:
    """Puts each output on the side of its readers, so that fewer arrows cross."""

    def place_of(pill: tuple[str, Artifact]) -> float:
        ways = [
            (layout.routes[source, target] or (layout.centres[target],))[0][0]
            for source, key, target in edges
            if (source, key) == (card.name, pill[0])
        ]
        return sum(ways) / len(ways) if ways else 0.0

    return dataclasses.replace(card, pills=tuple(sorted(card.pills, key=place_of)))


def _card_shapes(card: _Card, centre: tuple[float, float]) -> list[Shape]:
    x, y = centre[0] - card.size.width / 2, centre[1]
    shapes: list[Shape] = [
        Box(x, y, card.size.width, _CARD_HEIGHT, dashed=card.dashed),
        Box(x + 8, y + 9, 4, _CARD_HEIGHT - 26, fill=card.colour, border=None, radius=2),
        Text(x + 20, y + 19, card.title, _TITLE_SIZE, bold=True),
        Text(x + 20, y + 33, card.note, _NOTE_SIZE, colour="muted"),
    ]
    for (key, artifact), (left, width) in zip(card.pills, _pill_places(card), strict=True):
        top = y + _CARD_HEIGHT - _PILL_HEIGHT / 2
        hint = (
            f"{artifact.type_name} {artifact.artifact_id}\n{artifact.uri}\n"
            f"{moment(artifact.created_ms)}"
        )
        shapes.append(Box(x + left, top, width, _PILL_HEIGHT, fill="pill", radius=_PILL_HEIGHT / 2))
        middle = x + left + width / 2
        shapes.append(Text(middle, top + 13, key, _PILL_SIZE, anchor="middle", hint=hint))
    return shapes


def _pill_places(card: _Card) -> list[tuple[float, float]]:
    """Returns (left edge within the card, width) of each pill, spread evenly."""
    widths = card.pill_widths
    gap = (card.size.width - sum(widths)) / (len(widths) + 1)
    places, left = [], gap
    for width in widths:
        places.append((left, width))
        left += width + gap
    return places


def _arrow(cards: dict[str, _Card], layout: Layout, source: str, key: str, target: str) -> Arrow:
    card = cards[source]
    x, y = layout.centres[source]
    keys = [one for one, _ in card.pills]
    left, width = _pill_places(card)[keys.index(key)]
    start = (x - card.size.width / 2 + left + width / 2, y + card.size.height)
    end_x, end_y = layout.centres[target]
    arriving = sorted(
        (one for one in layout.routes if one[1] == target),
        key=lambda edge: (layout.routes[edge] or (layout.centres[edge[0]],))[-1][0],
    )
    spread = (arriving.index((source, target)) + 1) / (len(arriving) + 1) - 0.5
    end = (end_x + spread * cards[target].size.width * 0.7, end_y)
    return Arrow((start, *layout.routes[source, target], end))


def _legend_width(states: set[str]) -> float:
    return sum(text_width(state, _NOTE_SIZE) + 34 for state in states)


def _legend(states: set[str], x: float, y: float) -> list[Shape]:
    shapes: list[Shape] = []
    for state in ("complete", "cached", "running", "pending", "failed"):
        if state in states:
            shapes.append(Box(x, y - 9, 10, 10, fill=state, border=None, radius=2))
            shapes.append(Text(x + 15, y, state, _NOTE_SIZE, colour="muted"))
            x += text_width(state, _NOTE_SIZE) + 34
    return shapes


def _moved(shape: Shape, right: float, down: float) -> Shape:
    if isinstance(shape, Arrow):
        return Arrow(tuple((x + right, y + down) for x, y in shape.points), shape.colour)
    values = {**vars(shape), "x": shape.x + right, "y": shape.y + down}
    return type(shape)(**values)
