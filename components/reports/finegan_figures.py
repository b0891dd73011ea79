"""FineGAN's part of a report: stages, one code varied at a time, samples, real neighbours."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens.boxed_image_config import BoxedImageDataConfig
from components.reports.content import (
    PaperContent,
    PaperInputs,
    Picture,
    PictureRow,
    Section,
)
from components.reports.finegan_charts import charts
from components.reports.finegan_neighbours import RealPictures, load_real_pictures
from components.reports.finegan_protocol import data_in_words, protocol
from components.reports.finegan_samples import Samples, load_samples
from components.reports.nearest_pictures import Neighbours
from components.reports.picture_sheets import Sheet, halves, sheet_picture, sheet_png

_TITLE = (
    "FineGAN: Unsupervised Hierarchical Disentanglement for Fine-Grained Object Generation and "
    "Discovery"
)
_AUTHORS = "Singh, Ojha, Lee. CVPR 2019"
_HALF_WIDTH = 500.0
#: Samples whose neighbours are shown.
_SHOWN_NEIGHBOURS = 8
_NTH = ("nearest", "2nd", "3rd")

# What differs -> what it is for, what should change with it, and what should not.
_VARIED = {
    "noise": (
        "Noise: position and pose",
        "Along a row z alone differs: where the object is and how it stands should change, and so "
        "may the scene behind it; its kind of shape and its colours should not.",
    ),
    "parents": (
        "Parent: shape",
        "Along a row the parent's code alone differs: the object's shape should change; its place, "
        "its colours and the background should not.",
    ),
    "children": (
        "Child: appearance",
        "Along a row the child's code alone differs: the object's colours and texture should "
        "change; its shape, its place and the background should not.",
    ),
    "backgrounds": (
        "Background",
        "Along a row the background's code alone differs: what is behind the object should change; "
        "the object should not change at all.",
    ),
}


def paper_content(inputs: PaperInputs) -> PaperContent:
    """Returns FineGAN's part of a report; called by the Report component."""
    samples = load_samples(inputs)
    pixels = samples.classes.pixels
    real = load_real_pictures(inputs, pixels.reshape(-1, *pixels.shape[2:]))
    return content_of(samples, real, inputs.config)


def content_of(samples: Samples, real: RealPictures, config: Mapping[str, Any]) -> PaperContent:
    """Lays out pictures that are already there.

    Args:
        samples: What the model made.
        real: What the pictures of `samples.classes`, row by row, come near.
        config: The resolved configuration.
    """
    data = data_in_words(real.names, config)
    varied = {name: getattr(samples, name) for name in _VARIED}
    nearest = _neighbour_sheet(samples, real.neighbours)
    sheets = {"stages": samples.stages, **varied, "samples": samples.classes, "nearest": nearest}
    return PaperContent(
        title=_TITLE,
        authors=_AUTHORS,
        subject=f"Background, shape and appearance told apart on {data}",
        sections=(
            _stages(samples),
            _one_at_a_time(varied),
            _classes(samples),
            _neighbours(real, nearest, config),
        ),
        charts=charts(config),
        protocol=protocol(real, config),
        files={
            **{f"{name}.png": sheet_png(sheet) for name, sheet in sheets.items()},
            "nearest.csv": _nearest_csv(samples, real),
        },
    )


def _stages(samples: Samples) -> Section:
    text = (
        "What each stage adds, for a few children with the parent and the background that belong "
        "to them: the parent's object is laid over the background by the parent's mask, and the "
        "child's over that by the child's mask."
    )
    return Section("Stages", text, (_row(samples.stages, "Stages of a few samples"),))


def _one_at_a_time(sheets: Mapping[str, Sheet]) -> Section:
    text = (
        "In training a child has a parent and a background of its own; here the codes are freely "
        "combined."
    )
    rows = tuple(_row(sheets[name], title, *_VARIED[name]) for name, (title, _) in _VARIED.items())
    return Section("One thing varied at a time", text, rows)


def _classes(samples: Samples) -> Section:
    text = (
        "Each row is a child with the parent and the background that belong to it; the columns are "
        "seeds. The served model's generate_class makes the same pictures."
    )
    pictures = _side_by_side(samples.classes, "Samples by child")
    return Section("Samples by child", text, (PictureRow(pictures),))


def _neighbours(real: RealPictures, sheet: Sheet, config: Mapping[str, Any]) -> Section:
    neighbours = real.neighbours
    seen = BoxedImageDataConfig(**config.get("data", {})).trains_on_all
    network = GeneratedImagesConfig(**config.get("generated_images", {})).feature_network
    known = "training saw these too" if seen else "training saw others"
    text = (
        f"Of some of the children above, the sample that comes nearest to a real picture, and the "
        f"pictures nearest to it among the {neighbours.num_real:,} of the test split ({known}), as "
        f"the feature network {network} sees them. "
    )
    if neighbours.typical > 0:
        first, copied = neighbours.relative[:, 0], real.copied / neighbours.typical
        text += (
            "The numbers are distances; 1 is as far as a real picture is from its nearest other, "
            f"and {copied:.2f} as far as it is from itself cropped and mirrored as in training, "
            "which is where a copy would be (both medians). Of all samples above, the nearest real "
            f"picture is at {np.median(first):.2f} in the median, and at {first.min():.2f} at "
            "least."
        )
    else:
        text += "The numbers are distances between features."
    pictures = _side_by_side(sheet, "Samples and their nearest real pictures")
    return Section("Nearest real pictures", text, (PictureRow(pictures),))


def _neighbour_sheet(samples: Samples, neighbours: Neighbours) -> Sheet:
    """Rows: the sample of a child that comes nearest to a real picture, and what it comes near."""
    children, seeds = samples.classes.pixels.shape[:2]
    rows = min(_SHOWN_NEIGHBOURS, children)
    chosen = np.arange(rows) * children // rows
    nearest = neighbours.distances[:, 0].reshape(children, seeds)
    best = nearest[chosen].argmin(axis=1)
    numbers = chosen * seeds + best
    count = neighbours.records.shape[1]
    digits = ".2f" if neighbours.typical > 0 else ".3g"
    return Sheet(
        np.concatenate(
            [samples.classes.pixels[chosen, best][:, np.newaxis], neighbours.pixels[numbers]], 1
        ),
        tuple(
            f"child {samples.class_codes[child]}\nseed {seed}"
            for child, seed in zip(chosen, best, strict=True)
        ),
        ("sample", *(_nth(place) for place in range(count))),
        tuple(
            ("", *(format(distance, digits) for distance in row))
            for row in neighbours.relative[numbers]
        ),
    )


def _nearest_csv(samples: Samples, real: RealPictures) -> bytes:
    """Every sample's neighbours, one a row."""
    neighbours = real.neighbours
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    references = {"typical_distance": neighbours.typical, "copy_distance": real.copied}
    writer.writerow(("child", "seed", "place", "image", "distance", *references))
    seeds = samples.classes.pixels.shape[1]
    for sample, (records, distances) in enumerate(
        zip(neighbours.records.tolist(), neighbours.distances.tolist(), strict=True)
    ):
        code, seed = samples.class_codes[sample // seeds], sample % seeds
        for place, (record, distance) in enumerate(zip(records, distances, strict=True)):
            numbers = (f"{number:.6g}" for number in (distance, *references.values()))
            writer.writerow((code, seed, place + 1, real.names[record], *numbers))
    return text.getvalue().encode()


def _nth(place: int) -> str:
    return _NTH[place] if place < len(_NTH) else f"{place + 1}th"


def _row(sheet: Sheet, alt: str, label: str = "", caption: str = "") -> PictureRow:
    return PictureRow((sheet_picture(sheet, alt, caption),), label)


def _side_by_side(sheet: Sheet, alt: str) -> tuple[Picture, ...]:
    """Both halves of a long sheet."""
    parts = halves(sheet)
    width = _HALF_WIDTH if len(parts) > 1 else 2 * _HALF_WIDTH
    return tuple(sheet_picture(part, alt, width=width) for part in parts)
