"""FineGAN's part of a report: stages, one code varied at a time, samples, real neighbours."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.example_gens.boxed_image_config import BoxedImageDataConfig
from components.reports.content import (
    Chart,
    PaperContent,
    PaperInputs,
    Picture,
    PictureRow,
    ReferenceLine,
    Section,
)
from components.reports.finegan_neighbours import Neighbours, load_neighbours, record_names
from components.reports.finegan_samples import Samples, load_samples
from components.reports.picture_sheets import Sheet, halves, sheet_picture, sheet_png
from components.trainers.finegan.network_config import NetworkConfig

_TITLE = (
    "FineGAN: Unsupervised Hierarchical Disentanglement for Fine-Grained Object Generation and "
    "Discovery"
)
_AUTHORS = "Singh, Ojha, Lee. CVPR 2019"
_DATASETS = {
    "cub": ("CUB-200-2011", "CUB"),
    "stanford_cars": ("Stanford Cars", "Stanford Cars"),
    "stanford_dogs": ("Stanford Dogs", "Stanford Dogs"),
}
# The names of generated classes; see `generated_cub.py`.
_GENERATED = re.compile(r"\bShape\d+_Look\d+\b")
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
    neighbours = load_neighbours(inputs, pixels.reshape(-1, *pixels.shape[2:]))
    return content_of(samples, neighbours, record_names(inputs), inputs.config)


def content_of(
    samples: Samples, neighbours: Neighbours, names: Sequence[str], config: Mapping[str, Any]
) -> PaperContent:
    """Lays out pictures that are already there.

    Args:
        samples: What the model made.
        neighbours: Of the pictures of `samples.classes`, row by row.
        names: Of the records of the split `eval`.
        config: The resolved configuration.
    """
    varied = {name: getattr(samples, name) for name in _VARIED}
    nearest = _neighbour_sheet(samples, neighbours)
    sheets = {"stages": samples.stages, **varied, "samples": samples.classes, "nearest": nearest}
    return PaperContent(
        title=_TITLE,
        authors=_AUTHORS,
        subject=f"Background, shape and appearance told apart on {_data(names, config)}",
        sections=(
            _stages(samples),
            _one_at_a_time(varied),
            _classes(samples),
            _neighbours(neighbours, nearest, config),
        ),
        charts=charts(config),
        protocol=protocol(neighbours.num_real, names, config),
        files={
            **{f"{name}.png": sheet_png(sheet) for name, sheet in sheets.items()},
            "nearest.csv": _nearest_csv(samples, neighbours, names),
        },
    )


def protocol(num_real: int, names: Sequence[str], config: Mapping[str, Any]) -> str:
    """Returns what the numbers depend on, in the words of `paper_results`."""
    network, measured = _network(config), _measured(config)
    experiment, training = (config.get(name, {}) for name in ("experiment", "training"))
    parts = [
        f"{_data(names, config)} at {network.image_size} x {network.image_size}",
        f"widths {network.generator_width} (generator) and {network.discriminator_width}",
    ]
    if training.get("steps") is not None:
        parts.append(f"{training['steps']:,} steps")
    elif training.get("epochs") is not None:
        parts.append(f"{training['epochs']:g} epochs")
    if "batch_size" in experiment:
        parts[-1] += f" of batch {experiment['batch_size']:,}"
    for name, words in (("learning_rate", "Adam {:g}"), ("precision", "{}"), ("seed", "seed {}")):
        if name in training:
            parts.append(words.format(training[name]))
    made = network.children * measured.images_per_child
    return "; ".join(
        (
            ", ".join(parts),
            f"{made:,} generated images ({network.children} children x"
            f" {measured.images_per_child}, codes tied: {network.parents} parents)",
            f"{num_real:,} real images: the official test images, cropped about their objects",
            f"features by {measured.protocol}",
        )
    )


def charts(config: Mapping[str, Any]) -> tuple[Chart, ...]:
    """The training's curves by what they are about."""
    network = _network(config)
    numbers = (network.parents, network.children)
    even = (ReferenceLine("ln 2", math.log(2)),)
    even_note = "Dashed: the loss of a blind guess."
    return (
        Chart(
            "Loss, each network's sum",
            ("loss", "generator", "background_discriminator", "child_discriminator"),
            logarithmic=True,
        ),
        Chart(
            "Information losses",
            ("parent_information", "child_information"),
            tuple(ReferenceLine(f"ln {number}", math.log(number)) for number in numbers),
            "Dashed: the loss of a blind guess at the parent, and at the child.",
        ),
        Chart(
            "Discriminators: real and made",
            ("background_real", "background_made", "child_real", "child_made"),
            even,
            even_note,
        ),
        Chart(
            "Generator: to pass for real",
            ("generator_background", "generator_child"),
            even,
            even_note,
        ),
        Chart(
            "Background or object",
            ("background_classified", "generator_background_classified"),
            even,
            even_note,
        ),
        Chart(
            "Codes read rightly, share",
            ("parent_code_accuracy", "child_code_accuracy"),
            tuple(ReferenceLine(f"1/{number}", 1 / number) for number in numbers),
            "Dashed: a blind guess.",
        ),
        Chart("Masks, share of the picture", ("parent_mask_share", "child_mask_share")),
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


def _neighbours(neighbours: Neighbours, sheet: Sheet, config: Mapping[str, Any]) -> Section:
    seen = BoxedImageDataConfig(**config.get("data", {})).trains_on_all
    known = "training saw these too" if seen else "training did not see these"
    text = (
        f"Of some of the children above, the sample that comes nearest to a real picture, and the "
        f"pictures nearest to it among the {neighbours.num_real:,} of the test split ({known}), as "
        f"the feature network {_measured(config).feature_network} sees them. "
    )
    if neighbours.typical > 0:
        first = neighbours.relative[:, 0]
        text += (
            "The numbers are distances; 1 is as far as a real picture is from its nearest other "
            "(the median). A copy would be near 0; a dull picture may be below 1 and is none. Of "
            f"all samples above, the nearest real picture is at {np.median(first):.2f} in the "
            f"median, and at {first.min():.2f} at least."
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
            ("", *(f"{distance:.3g}" for distance in row)) for row in neighbours.relative[numbers]
        ),
    )


def _nearest_csv(samples: Samples, neighbours: Neighbours, names: Sequence[str]) -> bytes:
    """Every sample's neighbours, one a row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("child", "seed", "place", "distance", "typical_distance", "image"))
    seeds = samples.classes.pixels.shape[1]
    for sample, (records, distances) in enumerate(
        zip(neighbours.records.tolist(), neighbours.distances.tolist(), strict=True)
    ):
        code, seed = samples.class_codes[sample // seeds], sample % seeds
        for place, (record, distance) in enumerate(zip(records, distances, strict=True)):
            shown = (f"{distance:.6g}", f"{neighbours.typical:.6g}")
            writer.writerow((code, seed, place + 1, *shown, names[record]))
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


def _data(names: Sequence[str], config: Mapping[str, Any]) -> str:
    """The data set in words; generated pictures in its layout must not pass for it."""
    data = config.get("data", {})
    dataset = str(data.get("dataset", BoxedImageDataConfig.dataset))
    name, short = _DATASETS.get(dataset, (dataset, dataset))
    if any(_GENERATED.search(one) for one in names):
        return f"generated birds in {short}'s layout"
    return f"a subset of {name}" if data.get("subset") else name


def _network(config: Mapping[str, Any]) -> NetworkConfig:
    return NetworkConfig(**config.get("network", {}))


def _measured(config: Mapping[str, Any]) -> GeneratedImagesConfig:
    return GeneratedImagesConfig(**config.get("generated_images", {}))
