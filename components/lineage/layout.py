"""Places the nodes of a small directed graph in layers, top to bottom, with few crossings.

The steps are the usual ones (Sugiyama, Tagawa and Toda 1981): layers by longest path, one stand-in
per layer that an edge crosses, order within a layer by barycentre, and then x by least squares
under the order found (isotonic regression, which is exact).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SWEEPS = 12
_STAND_IN_WIDTH = 18.0
_LONG_EDGE_WEIGHT = 3.0


@dataclass(frozen=True)
class Size:
    """Width and height of a node, in pixels."""

    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Where everything goes, in pixels from the top left corner.

    Attributes:
        centres: node -> (x of its centre, y of its upper edge).
        routes: edge -> the points between its two ends, top to bottom; empty for a direct one.
        size: Of the whole.
    """

    centres: Mapping[str, tuple[float, float]]
    routes: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    size: Size


def place(
    sizes: Mapping[str, Size],
    edges: Sequence[tuple[str, str]],
    *,
    column_gap: float = 28.0,
    row_gap: float = 46.0,
) -> Layout:
    """Returns a layered layout.

    Args:
        sizes: node -> its size, in the order in which ties are broken.
        edges: (source, target); without cycles.
        column_gap: Least distance between neighbours of a layer.
        row_gap: Distance between layers.
    """
    edges = list(dict.fromkeys(edges))
    layers, chains = _with_stand_ins(_layers_of(list(sizes), edges), edges)
    links = [link for chain in chains.values() for link in itertools.pairwise(chain)]
    layers = _ordered(layers, links)
    widths = {name: size.width for name, size in sizes.items()}
    xs = _columns(layers, links, widths, column_gap)
    ys, heights, bottom = _rows(layers, sizes, row_gap)
    everything = [
        (xs[name] - widths.get(name, 0) / 2, xs[name] + widths.get(name, 0) / 2) for name in xs
    ]
    left = min((low for low, _ in everything), default=0.0)
    right = max((high for _, high in everything), default=0.0)
    centres = {name: (xs[name] - left, ys[name]) for name in sizes}
    routes = {
        edge: tuple(
            (xs[name] - left, y)
            for name in chain[1:-1]
            for y in (ys[name], ys[name] + heights[name])
        )
        for edge, chain in chains.items()
    }
    return Layout(centres, routes, Size(right - left, bottom))


def _layers_of(nodes: list[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Returns node -> layer.

    A node without inputs goes right above its first reader, one without any edge to the bottom.
    """
    layer = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for source, target in edges:
            layer[target] = max(layer[target], layer[source] + 1)
    targets = {target for _, target in edges}
    deepest = max(layer.values(), default=0)
    for node in nodes:
        readers = [layer[target] for source, target in edges if source == node]
        if node not in targets:
            layer[node] = min(readers) - 1 if readers else deepest
    return layer


def _with_stand_ins(
    layer: Mapping[str, int], edges: Sequence[tuple[str, str]]
) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    layers: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node, index in layer.items():
        layers[index].append(node)
    chains = {}
    for source, target in edges:
        chain = [source]
        for index in range(layer[source] + 1, layer[target]):
            stand_in = f"{source}\0{target}\0{index}"
            layers[index].append(stand_in)
            chain.append(stand_in)
        chains[source, target] = [*chain, target]
    return layers, chains


def _ordered(layers: list[list[str]], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for source, target in links:
        above.setdefault(target, []).append(source)
        below.setdefault(source, []).append(target)
    best, fewest = layers, _crossings(layers, links)
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        layers = [list(layer) for layer in layers]
        indices = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for index in indices:
            _sort_by_barycentre(layers, index, neighbours)
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _sort_by_barycentre(
    layers: list[list[str]], index: int, neighbours: Mapping[str, list[str]]
) -> None:
    place_of = {
        name: (position + 0.5) / len(layer)
        for layer in layers
        for position, name in enumerate(layer)
    }

    def barycentre(name: str) -> float:
        others = neighbours.get(name, [])
        return sum(place_of[one] for one in others) / len(others) if others else place_of[name]

    layers[index].sort(key=barycentre)


def _crossings(layers: list[list[str]], links: Sequence[tuple[str, str]]) -> int:
    place_of = {
        name: (row, at) for row, layer in enumerate(layers) for at, name in enumerate(layer)
    }
    spans = [(place_of[source], place_of[target]) for source, target in links]
    return sum(
        1
        for number, (start, end) in enumerate(spans)
        for other_start, other_end in spans[:number]
        if start[0] == other_start[0] and (start[1] - other_start[1]) * (end[1] - other_end[1]) < 0
    )


def _columns(
    layers: list[list[str]],
    links: Sequence[tuple[str, str]],
    widths: Mapping[str, float],
    gap: float,
) -> dict[str, float]:
    """Returns node -> x of its centre: near its neighbours, in order, without overlap."""
    xs: dict[str, float] = {}
    for layer in layers:
        x = 0.0
        for name in layer:
            width = widths.get(name, _STAND_IN_WIDTH)
            xs[name] = x + width / 2
            x += width + gap
        middle = (x - gap) / 2
        for name in layer:
            xs[name] -= middle
    neighbours: dict[str, list[tuple[str, float]]] = {name: [] for name in xs}
    for source, target in links:
        straight = source not in widths or target not in widths
        weight = _LONG_EDGE_WEIGHT if straight else 1.0
        neighbours[source].append((target, weight))
        neighbours[target].append((source, weight))
    for sweep in range(2 * _SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean(xs, neighbours[name], xs[name]) for name in layer]
            offsets = _offsets(layer, widths, gap)
            shifted = _isotonic([want - off for want, off in zip(wanted, offsets, strict=True)])
            for name, value, offset in zip(layer, shifted, offsets, strict=True):
                xs[name] = value + offset
    return xs


def _mean(
    xs: Mapping[str, float], neighbours: Sequence[tuple[str, float]], default: float
) -> float:
    total = sum(weight for _, weight in neighbours)
    return sum(xs[name] * weight for name, weight in neighbours) / total if total else default


def _offsets(layer: Sequence[str], widths: Mapping[str, float], gap: float) -> list[float]:
    offsets = [0.0]
    for left, right in itertools.pairwise(layer):
        reach = widths.get(left, _STAND_IN_WIDTH) / 2 + widths.get(right, _STAND_IN_WIDTH) / 2
        offsets.append(offsets[-1] + reach + gap)
    return offsets


def _isotonic(values: Sequence[float]) -> list[float]:
    """Returns the non-decreasing sequence nearest to `values` in least squares."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (low, many), (high, more) = blocks[-2:]
            blocks[-2:] = [((low * many + high * more) / (many + more), many + more)]
    return [value for value, count in blocks for _ in range(count)]


def _rows(
    layers: list[list[str]], sizes: Mapping[str, Size], gap: float
) -> tuple[dict[str, float], dict[str, float], float]:
    """Returns node -> y of its upper edge, node -> height of its row, and the lowest edge."""
    ys: dict[str, float] = {}
    heights: dict[str, float] = {}
    y = 0.0
    for layer in layers:
        height = max((sizes[name].height for name in layer if name in sizes), default=0.0)
        for name in layer:
            ys[name] = y
            heights[name] = height
        y += height + gap
    return ys, heights, max(0.0, y - gap)
