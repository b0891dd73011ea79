"""A drawing as a list of shapes, and its two renderings: SVG text and PNG bytes.

Colours are named by role. The SVG takes them from CSS variables with a light and a dark value, so
it reads well on either ground; the PNG uses the light ones.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from xml.sax.saxutils import escape

#: role -> (on a light ground, on a dark ground).
PALETTE: dict[str, tuple[str, str]] = {
    "ink": ("#1c2530", "#e6eaf0"),
    "muted": ("#5c6875", "#9aa7b5"),
    "line": ("#93a0ae", "#6d7b8a"),
    "card": ("#ffffff", "#1d242d"),
    "border": ("#c9d1da", "#3b4653"),
    "pill": ("#eef2f6", "#2a333e"),
    "complete": ("#2f8f5b", "#4cc38a"),
    "cached": ("#3b76c4", "#6ea8f0"),
    "running": ("#c98a10", "#efb548"),
    "pending": ("#9aa5b1", "#77828e"),
    "failed": ("#c93c37", "#f47067"),
}

_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif"


@dataclass(frozen=True)
class Box:
    """A rectangle with round corners; `x`, `y` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    fill: str = "card"
    border: str | None = "border"
    radius: float = 6.0
    dashed: bool = False


@dataclass(frozen=True)
class Text:
    """A line of text; `y` is its baseline. `hint` is shown under the mouse."""

    x: float
    y: float
    text: str
    size: float = 12.0
    bold: bool = False
    colour: str = "ink"
    anchor: Literal["start", "middle", "end"] = "start"
    hint: str = ""


@dataclass(frozen=True)
class Arrow:
    """A smooth line downwards through points, with a head at the last one."""

    points: tuple[tuple[float, float], ...]
    colour: str = "line"


Shape: TypeAlias = Box | Text | Arrow


@dataclass(frozen=True)
class Scene:
    """Shapes, back to front, on a ground of the given size in pixels."""

    width: float
    height: float
    shapes: tuple[Shape, ...] = field(default_factory=tuple)
    title: str = ""


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Returns a safe estimate of a text's width in pixels for any common sans-serif font."""
    return len(text) * size * (0.62 if bold else 0.57)


def shorten(text: str, length: int) -> str:
    """Returns the text, its middle left out if it is longer than `length`."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def to_svg(scene: Scene) -> str:
    """Returns a stand-alone SVG document that may also be put into HTML as it is."""
    light = "".join(f"--pg-{role}:{colours[0]};" for role, colours in PALETTE.items())
    dark = "".join(f"--pg-{role}:{colours[1]};" for role, colours in PALETTE.items())
    style = (
        f".pg-scene{{{light}font-family:{_FONTS}}}"
        f"@media (prefers-color-scheme:dark){{.pg-scene{{{dark}}}}}"
        f"@media print{{.pg-scene{{{light}}}}}"
    )
    body = "\n".join(_svg_shape(shape) for shape in scene.shapes)
    size = f"{scene.width:.0f} {scene.height:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pg-scene" role="img" '
        f'viewBox="0 0 {size}" width="{scene.width:.0f}" height="{scene.height:.0f}">\n'
        f"<title>{escape(scene.title)}</title>\n<style>{style}</style>\n{body}\n</svg>\n"
    )


def _svg_shape(shape: Shape) -> str:
    if isinstance(shape, Box):
        stroke = f"stroke:var(--pg-{shape.border})" if shape.border else "stroke:none"
        dash = ' stroke-dasharray="4 3"' if shape.dashed else ""
        return (
            f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" '
            f'height="{shape.height:.1f}" rx="{shape.radius:.1f}"{dash} '
            f'style="fill:var(--pg-{shape.fill});{stroke}"/>'
        )
    if isinstance(shape, Text):
        weight = ' font-weight="600"' if shape.bold else ""
        hint = f"<title>{escape(shape.hint)}</title>" if shape.hint else ""
        return (
            f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}"{weight} '
            f'text-anchor="{shape.anchor}" style="fill:var(--pg-{shape.colour})">'
            f"{hint}{escape(shape.text)}</text>"
        )
    colour = f"var(--pg-{shape.colour})"
    path = " ".join(
        f"{command} {' '.join(f'{x:.1f} {y:.1f}' for x, y in points)}"
        for command, points in _path(shape.points)
    )
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in _head(shape.points[-1]))
    return (
        f'<path d="{path}" fill="none" style="stroke:{colour}" stroke-width="1.4"/>'
        f'<polygon points="{head}" style="fill:{colour}"/>'
    )


def _path(
    points: tuple[tuple[float, float], ...],
) -> list[tuple[str, list[tuple[float, float]]]]:
    """Returns SVG path commands; every piece leaves and arrives vertically."""
    commands = [("M", [points[0]])]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if abs(x0 - x1) < 0.5:
            commands.append(("L", [(x1, y1)]))
        else:
            middle = (y0 + y1) / 2
            commands.append(("C", [(x0, middle), (x1, middle), (x1, y1)]))
    return commands


def _head(tip: tuple[float, float]) -> list[tuple[float, float]]:
    x, y = tip
    return [(x - 4, y - 7), (x + 4, y - 7), (x, y)]


def to_png(scene: Scene, scale: float = 2.0) -> bytes:
    """Returns the drawing as PNG bytes, `scale` times its size in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(scene.width / 72, scene.height / 72), facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    for order, shape in enumerate(scene.shapes):
        _draw(axes, shape, order)
    buffer = io.BytesIO()
    figure.set_dpi(72 * scale)
    canvas.print_png(buffer)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _draw(axes: object, shape: Shape, order: int) -> None:
    from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
    from matplotlib.path import Path

    if isinstance(shape, Box):
        style = f"round,pad=0,rounding_size={shape.radius}"
        patch = FancyBboxPatch(
            (shape.x, shape.y),
            shape.width,
            shape.height,
            boxstyle=style,
            facecolor=PALETTE[shape.fill][0],
            edgecolor=PALETTE[shape.border][0] if shape.border else "none",
            linestyle="--" if shape.dashed else "-",
            linewidth=1,
            zorder=order,
        )
        axes.add_patch(patch)  # type: ignore[attr-defined]
    elif isinstance(shape, Text):
        axes.text(  # type: ignore[attr-defined]
            shape.x,
            shape.y,
            shape.text,
            fontsize=shape.size * 0.88,
            fontweight="bold" if shape.bold else "normal",
            color=PALETTE[shape.colour][0],
            ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
            va="baseline",
            zorder=order,
            parse_math=False,
        )
    else:
        vertices: list[tuple[float, float]] = []
        codes: list[int] = []
        kinds = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4}
        for command, points in _path(shape.points):
            vertices += points
            codes += [int(kinds[command])] * len(points)
        colour = PALETTE[shape.colour][0]
        line = PathPatch(
            Path(vertices, codes), facecolor="none", edgecolor=colour, lw=1.4, zorder=order
        )
        head = Polygon(_head(shape.points[-1]), facecolor=colour, edgecolor="none", zorder=order)
        axes.add_patch(line)  # type: ignore[attr-defined]
        axes.add_patch(head)  # type: ignore[attr-defined]
