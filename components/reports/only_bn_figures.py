"""Only-BN's part of a report: confusion, each class's accuracy, mistakes, and the gammas."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.reports.content import PaperContent, PaperInputs, Picture, PictureRow, Section
from components.reports.only_bn_classes import (
    class_sections,
    confusion_csv,
    names_in_words,
    short_name,
)
from components.reports.only_bn_gammas import disabled_share, gamma_picture
from components.reports.only_bn_predictions import Mistake, Predictions, load_predictions
from components.reports.rasters import encode_png
from components.reports.training_words import training_in_words

_TITLE = "Training BatchNorm and Only BatchNorm: On the Expressive Power of Random Features in CNNs"
_AUTHORS = "Frankle, Schwab, Morcos. ICLR 2021"
_DATASETS = {"cifar10": "CIFAR-10", "imagenet": "ImageNet", "tiny_imagenet": "Tiny ImageNet"}
_CIFAR10 = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
            "truck"}  # fmt: skip
_TRAINED = {
    "bn": "only BatchNorm",
    "all": "every weight",
    "all_but_bn": "everything but BatchNorm",
    "bn_and_output": "BatchNorm and the output layer",
    "random_subset": "randomly chosen weights, as many as BatchNorm has",
}
_GAMMAS_FROZEN = ("random_subset", "all_but_bn")
_STARTS = {
    "uniform": "uniformly drawn from 0 to 1",
    "fixed": "at 1",
    "one_one": "at 1",
    "positive_negative": "uniformly drawn from -1 to 1",
}
_PICTURES_A_ROW = 6
_LARGEST_SIDE = 160
# Larger pictures are shown smooth.
_LARGEST_PIXELATED = 100


def paper_content(inputs: PaperInputs) -> PaperContent:
    """Returns Only-BN's part of a report; called by the Report component."""
    return content_of(load_predictions(inputs), inputs.config)


def content_of(predictions: Predictions, config: Mapping[str, Any]) -> PaperContent:
    """Lays out answers that are already there."""
    trained = _trained(config)
    confusion, accuracies = class_sections(predictions)
    return PaperContent(
        title=_TITLE,
        authors=_AUTHORS,
        subject=f"Training {trained} in {_network(config)} on {_data(predictions, config)}",
        sections=(
            confusion,
            accuracies,
            _mistakes(predictions),
            _gammas(predictions, config),
        ),
        protocol=protocol(predictions, config),
        files={"confusion.csv": confusion_csv(predictions)},
    )


def protocol(predictions: Predictions, config: Mapping[str, Any]) -> str:
    """Returns what the numbers depend on, in the words of `paper_results`."""
    names = names_in_words(predictions.class_names)
    parts = (
        f"{_data(predictions, config)}, {predictions.records:,} test pictures ({names})",
        _network(config),
        f"trained: {_trained(config)}",
        training_in_words(config, "SGD"),
    )
    return ", ".join(part for part in parts if part)


def _network(config: Mapping[str, Any]) -> str:
    network = config.get("network", {})
    width = network.get("width")
    separable = network.get("convolutions") == "separable"
    return "".join(
        (
            f"ResNet-{network.get('depth', '?')}",
            f" of width {width}" if width else "",
            " of separable convolutions" if separable else "",
        )
    )


def _trained(config: Mapping[str, Any]) -> str:
    train = str(config.get("network", {}).get("train", "bn"))
    return _TRAINED.get(train, train)


def _data(predictions: Predictions, config: Mapping[str, Any]) -> str:
    """The data set in words; other pictures in its layout must not pass for it."""
    data = config.get("data", {})
    dataset = str(data.get("dataset", ""))
    name = _DATASETS.get(dataset, dataset)
    if dataset == "cifar10" and not _CIFAR10 & set(predictions.class_names):
        return f"pictures in {name}'s layout"
    return f"a subset of {name}" if data.get("subset") else name


def _mistakes(predictions: Predictions) -> Section:
    mistakes = predictions.mistakes
    if not mistakes:
        return Section("Mistakes", "The network made none on the test pictures.")
    pictures = [mistake_picture(mistake, predictions.class_names) for mistake in mistakes]
    rows = tuple(
        PictureRow(tuple(pictures[first : first + _PICTURES_A_ROW]))
        for first in range(0, len(pictures), _PICTURES_A_ROW)
    )
    text = (
        "The test pictures that the network was most wrongly sure of: what it took them for, how "
        "probable it held that, and what they are."
    )
    return Section("Mistakes", text, rows)


def mistake_picture(mistake: Mistake, class_names: tuple[str, ...]) -> Picture:
    """Shows a picture, cut to a square, with what it is and what it was taken for."""
    pixels = thumbnail(mistake.encoded)
    predicted, label = (
        short_name(class_names[number]) for number in (mistake.predicted, mistake.label)
    )
    return Picture(
        encode_png(pixels),
        alt=f"{label}, taken for {predicted}",
        caption=f"{predicted} {mistake.probability:.1%}, is {label}",
        pixelated=pixels.shape[1] <= _LARGEST_PIXELATED,
    )


def thumbnail(encoded: bytes, side: int = _LARGEST_SIDE) -> NDArray[np.uint8]:
    """Returns the central square of a JPEG or PNG, at most `side` pixels wide.

    Args:
        encoded: The file's bytes.
        side: Pixels.

    Returns:
        `[side, side, 3]`.
    """
    from PIL import Image, ImageOps

    picture = Image.open(io.BytesIO(encoded)).convert("RGB")
    size = min(side, *picture.size)
    return np.asarray(ImageOps.fit(picture, (size, size)))


def _gammas(predictions: Predictions, config: Mapping[str, Any]) -> Section:
    network = config.get("network", {})
    together = np.concatenate(predictions.gammas)
    start = _STARTS.get(str(network.get("gamma", "uniform")), "")
    if network.get("train") in _GAMMAS_FROZEN:
        history = f"They did not train in this run, and are where they began: {start}."
    else:
        history = f"They began {start}."
    text = (
        f"The {len(together):,} gammas of {len(predictions.gammas)} layers, of which "
        f"{disabled_share(together):.1%} are below 0.01 in magnitude and so disable their feature. "
        f"{history} Heights are square roots of shares."
    )
    return Section("Gammas", text, (PictureRow((gamma_picture(predictions.gammas),)),))
