"""What an exported FineGAN makes of fixed noise and codes, laid out in sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.reports.content import PaperInputs
from components.reports.picture_sheets import Pixels, Sheet
from components.trainers.finegan.network_config import NetworkConfig

#: The stages in the paper's order, and what the signatures call them.
STAGES = {
    "background": "encoded_background",
    "parent mask": "encoded_parent_mask",
    "parent": "encoded_parent",
    "child mask": "encoded_child_mask",
    "child": "encoded",
}
_FINAL = "encoded"
#: Columns of a sheet, and rows of one where a single code varies.
_COLUMNS, _ROWS = 8, 3
#: Children that the sheet of samples shows, and samples of each.
_CHILDREN, _SEEDS = 20, 5
_BATCH = 8

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Generated pictures.

    Attributes:
        stages: Rows: the stages; columns: children with the codes that belong to them.
        noise: Columns: noise; rows: codes that belong together.
        parents: Columns: parents; rows: noise, and the other two codes.
        children: Columns: children; rows: noise, and the other two codes.
        backgrounds: Columns: backgrounds; rows: noise, and the other two codes.
        classes: Rows: children with the codes that belong to them; columns: seeds from 0.
        class_codes: The children of `classes`.
    """

    stages: Sheet
    noise: Sheet
    parents: Sheet
    children: Sheet
    backgrounds: Sheet
    classes: Sheet
    class_codes: tuple[int, ...]


def load_samples(inputs: PaperInputs) -> Samples:
    """Asks a run's model for the pictures that a report shows.

    Args:
        inputs: The run.

    Raises:
        DataError: The model lacks the signatures.
    """
    from components.trainers.finegan.draws import (
        Purpose,
        draw_noise,
        stream_seed,
        tied_indices,
    )

    config = NetworkConfig(**inputs.config.get("network", {}))
    seed = inputs.config.get("training", {}).get("seed", 0)
    noise = draw_noise(stream_seed(seed, Purpose.SUMMARY_NOISE, 0), _COLUMNS, config).numpy()
    model = _Model(inputs.saved_model_dir)

    def tied(children: Indices) -> tuple[Indices, Indices, Indices]:
        backgrounds, parents, _ = tied_indices(children, config)
        return backgrounds, parents, children

    shown = _spread(config.children, _COLUMNS)
    classes = _spread(config.children, _CHILDREN)
    stages = model.generate(noise[: len(shown)], *tied(shown))
    varied = {
        name: _varied(model, name, noise, tied(_spread(config.children, _ROWS)), count)
        for name, count in (
            ("z", _COLUMNS),
            ("background", config.num_backgrounds),
            ("parent", config.parents),
            ("child", config.children),
        )
    }
    return Samples(
        stages=Sheet(
            np.stack([stages[output] for output in STAGES.values()]),
            tuple(STAGES),
            tuple(f"child {child}" for child in shown),
        ),
        noise=varied["z"],
        parents=varied["parent"],
        children=varied["child"],
        backgrounds=varied["background"],
        classes=Sheet(
            model.generate_class(classes, _SEEDS),
            tuple(
                f"parent {parent}\nchild {child}"
                for parent, child in zip(*tied(classes)[1:], strict=True)
            ),
            tuple(f"seed {number}" for number in range(_SEEDS)),
        ),
        class_codes=tuple(int(child) for child in classes),
    )


def _varied(
    model: _Model, name: str, noise: NDArray[Any], tied: Sequence[Indices], count: int
) -> Sheet:
    """A sheet where one thing alone differs from column to column.

    Args:
        model: Makes the pictures.
        name: `z`, `background`, `parent` or `child`.
        noise: `[8, noise_size]`; z of the rows are the first ones.
        tied: Backgrounds, parents and children of the rows.
        count: How many different ones there are of what differs.
    """
    columns, rows = _spread(count, _COLUMNS), np.arange(len(tied[0]))
    given = {"z": rows, **dict(zip(("background", "parent", "child"), tied, strict=True))}
    labels = [
        "\n".join(f"{key} {numbers[row]}" for key, numbers in given.items() if key != name)
        for row in rows
    ]
    every = {key: np.repeat(numbers, len(columns)) for key, numbers in given.items()}
    every[name] = np.tile(columns, len(rows))
    z = noise[every.pop("z")]
    pixels = model.generate(z, **every)[_FINAL]
    return Sheet(
        pixels.reshape(len(rows), len(columns), *pixels.shape[1:]),
        tuple(labels),
        tuple(f"{name} {number}" for number in columns),
    )


def _spread(count: int, most: int) -> Indices:
    """At most so many of the codes from 0 to `count`, evenly spread."""
    shown = min(most, count)
    return np.arange(shown, dtype=np.int64) * count // shown


class _Model:
    """The signatures of an exported generator; a few pictures at a time."""

    def __init__(self, saved_model_dir: str) -> None:
        import tensorflow as tf

        self._loaded: Any = tf.saved_model.load(saved_model_dir)
        missing = {"generate", "generate_class"} - set(self._loaded.signatures)
        if missing:
            raise DataError(
                f"the model in {saved_model_dir} cannot be shown",
                found=f"the signatures {', '.join(self._loaded.signatures) or 'none'}",
                expected="signatures `generate` and `generate_class`",
                fix="export the model with Papergarden's trainer",
            )

    def generate(
        self, z: NDArray[Any], background: Indices, parent: Indices, child: Indices
    ) -> dict[str, Pixels]:
        """The stages by their outputs' names, `[n, height, width, 3]` each."""
        codes = {"background": background, "parent": parent, "child": child}
        return self._ask("generate", {"z": z, **codes}, tuple(STAGES.values()))

    def generate_class(self, children: Indices, seeds: int) -> Pixels:
        """Children's pictures of the seeds from 0, `[children, seeds, height, width, 3]`."""
        child, seed = np.repeat(children, seeds), np.tile(np.arange(seeds), len(children))
        [pixels] = self._ask("generate_class", {"child": child, "seed": seed}, (_FINAL,)).values()
        return pixels.reshape(len(children), seeds, *pixels.shape[1:])

    def _ask(
        self, signature: str, arguments: Mapping[str, NDArray[Any]], outputs: Sequence[str]
    ) -> dict[str, Pixels]:
        import tensorflow as tf

        serve = self._loaded.signatures[signature]
        parts: dict[str, list[Pixels]] = {name: [] for name in outputs}
        for first in range(0, len(next(iter(arguments.values()))), _BATCH):
            rows = slice(first, first + _BATCH)
            answer = serve(**{name: tf.constant(array[rows]) for name, array in arguments.items()})
            for name in outputs:
                parts[name] += [_decoded(picture) for picture in answer[name].numpy()]
        return {name: np.stack(pictures) for name, pictures in parts.items()}


def _decoded(png: bytes) -> Pixels:
    """A PNG file's levels, `[height, width, 3]`; a mask's three are alike."""
    import tensorflow as tf

    return np.asarray(tf.io.decode_png(png, channels=3))
