"""SIREN's part of a report: the signal, its reconstruction, and the error, for each task."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.evaluators.image_quality import unit_squared_error
from components.evaluators.paper_results import paper_results
from components.evaluators.squared_error import peak_signal_to_noise_ratio
from components.reports import rasters
from components.reports.content import (
    PaperContent,
    PaperInputs,
    Picture,
    PictureRow,
    ReferencePoint,
    Section,
)
from components.reports.siren_audio import audio_files, audio_section
from components.reports.siren_signals import FittedSignal, load_signals
from components.trainers.siren.targets import laplace, sobel

_TITLE = "Implicit Neural Representations with Periodic Activation Functions"
_AUTHORS = "Sitzmann, Martel, Bergman, Lindell, Wetzstein. NeurIPS 2020. SIREN"
_SUBJECTS = {
    "image": "Fitting an image",
    "inpainting": "Inpainting an image from some of its pixels",
    "audio": "Fitting a sound",
    "poisson_gradient": "Reconstructing an image from its gradient",
    "poisson_laplacian": "Reconstructing an image from its Laplacian",
    "poisson_editing": "Blending two images through their gradients",
    "video": "Fitting a video",
}
_UP_TO_SCALE = (
    " A derivative tells an image up to scale and offset, so the reconstruction is shown, and "
    "scored, after rescaling to the target's range."
)
# Sobel sums to eight times the central difference.
_SOBEL_GAIN = 8.0
_ANCHOR_SIDE = 256

Values = NDArray[np.floating[Any]]
Rows = Sequence[PictureRow]


def paper_content(inputs: PaperInputs) -> PaperContent:
    """Returns SIREN's part of a report; called by the Report component."""
    task = str(inputs.config.get("experiment", {}).get("task", "image"))
    signals = load_signals(inputs, task)
    return content_of(task, signals, inputs.config)


def content_of(
    task: str, signals: Sequence[FittedSignal], config: Mapping[str, Any]
) -> PaperContent:
    """Lays out signals that are already reconstructed."""
    if task == "audio":
        section, files = audio_section(signals), audio_files(signals[0])
    else:
        section, files = _SECTIONS[task](signals), _files(signals)
    references = _references(task, config)
    return PaperContent(
        title=_TITLE,
        authors=_AUTHORS,
        subject=_SUBJECTS[task],
        sections=(section,),
        references=references,
        reference_name="authors' code, camera image" if references else "",
        protocol=protocol(task, config),
        files=files,
    )


def protocol(task: str, config: Mapping[str, Any]) -> str:
    """Returns what the numbers depend on, in the words of `paper_results`."""
    data, network, training = (config.get(name, {}) for name in ("data", "network", "training"))
    parts = []
    if task != "audio" and data:
        colour = "gray" if data.get("channels") == 1 else "colour"
        parts.append(f"{data.get('height')} x {data.get('width')} {colour}")
    if {"in_features", "hidden_features", "out_features"} <= set(network):
        hidden = f"{network['hidden_features']}x{network.get('hidden_layers', 3) + 1}"
        parts.append(f"{network['in_features']}-{hidden}-{network['out_features']}")
    for name, words in (
        ("steps", "{:,} steps"),
        ("learning_rate", "Adam {:g}"),
        ("seed", "seed {}"),
    ):
        if name in training:
            parts.append(words.format(training[name]))
    return ", ".join(parts)


def _references(task: str, config: Mapping[str, Any]) -> tuple[ReferencePoint, ...]:
    """The authors' curve, where this run has its size."""
    data = config.get("data", {})
    size = (data.get("height"), data.get("width"), data.get("channels"))
    if size != (_ANCHOR_SIDE, _ANCHOR_SIDE, 1):
        return ()
    points = []
    for result in paper_results("siren", task):
        after = re.search(r"after (\d+) steps", result.item)
        if after and result.verified:
            points.append(ReferencePoint(result.metric, int(after.group(1)), result.value))
    return tuple(points)


def _image(signals: Sequence[FittedSignal]) -> Section:
    text = "The network is given coordinates alone and was fitted to give the pixel's value."
    return Section("Reconstruction", text, tuple(_three(signal) for signal in signals))


def _inpainting(signals: Sequence[FittedSignal]) -> Section:
    rows = []
    for signal in signals:
        mask = np.ones_like(signal.target[..., :1]) if signal.mask is None else signal.mask
        share = f"{float(np.mean(mask > 0.5)):.1%} of the pixels"
        known = rasters.masked_picture(signal.target, mask, "Known pixels", f"known, {share}")
        rows.append(PictureRow((known, *_three(signal).pictures), _label(signals, signal)))
    text = "The network saw the known pixels and filled in the rest."
    return Section("Inpainting", text, tuple(rows))


def _poisson(supervised: str) -> Callable[[Sequence[FittedSignal]], Section]:
    def section(signals: Sequence[FittedSignal]) -> Section:
        rows: list[PictureRow] = []
        for signal in signals:
            rows.append(_three(signal))
            rows.append(PictureRow((*_gradients(signal), *_laplacians(signal))))
        text = f"The network was fitted to the target's {supervised} and never saw the image."
        return Section("Reconstruction", text + _UP_TO_SCALE, tuple(rows))

    return section


def _editing(signals: Sequence[FittedSignal]) -> Section:
    rows: list[PictureRow] = []
    for signal in signals:
        rows.append(_three(signal))
        sources: list[Picture] = []
        if signal.second is not None:
            # The target of a blend is the mean of both pictures.
            first = 2 * signal.target - signal.second
            sources = [
                rasters.signal_picture(first, "First picture", "first"),
                rasters.signal_picture(signal.second, "Second picture", "second"),
            ]
        rows.append(PictureRow((*sources, *_gradients(signal))))
    text = (
        "The network was fitted to the mean of two pictures' gradients and never saw the pictures; "
        "the target is the pictures' mean."
    )
    return Section("Blend", text + _UP_TO_SCALE, tuple(rows))


def _video(signals: Sequence[FittedSignal]) -> Section:
    def strip(label: str, shown: Callable[[FittedSignal], Picture]) -> PictureRow:
        return PictureRow(tuple(shown(signal) for signal in signals), label)

    def decibels(signal: FittedSignal) -> str:
        mean = unit_squared_error(signal.prediction, signal.target).mean
        return f"frame {signal.frame}, {peak_signal_to_noise_ratio(mean):.1f} dB"

    limit = max(rasters.robust_limit(_error(signal)) for signal in signals)
    rows = (
        strip("target", lambda one: rasters.signal_picture(one.target, f"Frame {one.frame}")),
        strip(
            "reconstruction",
            lambda one: rasters.signal_picture(
                one.prediction, f"Frame {one.frame}, reconstructed", decibels(one)
            ),
        ),
        strip(
            "error",
            lambda one: rasters.error_picture(_error(one), limit, f"Error {one.frame}", ""),
        ),
    )
    text = "Frames of the film, evenly spaced; the network is given time and place."
    return Section("Reconstruction", text, rows)


_SECTIONS: dict[str, Callable[[Sequence[FittedSignal]], Section]] = {
    "image": _image,
    "inpainting": _inpainting,
    "poisson_gradient": _poisson("gradient"),
    "poisson_laplacian": _poisson("Laplacian"),
    "poisson_editing": _editing,
    "video": _video,
}


def _error(signal: FittedSignal) -> Values:
    """`[height, width]`: the absolute error on [0, 1], the largest of the channels."""
    clipped = np.clip(signal.prediction, -1, 1)
    return np.asarray(np.abs(clipped - signal.target).max(axis=-1) / 2)


def _three(signal: FittedSignal) -> PictureRow:
    error = _error(signal)
    return PictureRow(
        (
            rasters.signal_picture(signal.target, "Target", "target"),
            rasters.signal_picture(signal.prediction, "Reconstruction", "reconstruction"),
            rasters.error_picture(error, rasters.robust_limit(error), "Absolute error", "error"),
        )
    )


def _label(signals: Sequence[FittedSignal], signal: FittedSignal) -> str:
    return signal.name if len(signals) > 1 else ""


def _gradients(signal: FittedSignal) -> tuple[Picture, Picture]:
    fields = [_gradient(signal.target), _gradient(signal.prediction)]
    limit = rasters.robust_limit(np.hypot(fields[0][..., 0], fields[0][..., 1]))
    return (
        rasters.gradient_picture(fields[0], limit, "Gradient", "gradient"),
        rasters.gradient_picture(
            fields[1], limit, "Gradient of the reconstruction", "gradient, reconstructed"
        ),
    )


def _gradient(image: Values) -> Values:
    """`[height, width, 2]`: the mean over the channels of the Sobel gradient."""
    return np.asarray(sobel(image.astype(np.float32)).mean(axis=2) / _SOBEL_GAIN)


def _laplacians(signal: FittedSignal) -> tuple[Picture, Picture]:
    fields = [
        laplace(one.astype(np.float32)).mean(axis=-1) for one in (signal.target, signal.prediction)
    ]
    limit = rasters.robust_limit(fields[0])
    return (
        rasters.signed_picture(fields[0], limit, "Laplacian", "Laplacian"),
        rasters.signed_picture(
            fields[1], limit, "Laplacian of the reconstruction", "Laplacian, reconstructed"
        ),
    )


def _files(signals: Sequence[FittedSignal]) -> dict[str, bytes]:
    """The signals side by side, each as it is, as PNG files."""

    def side_by_side(pixels: Sequence[NDArray[np.uint8]]) -> bytes:
        return rasters.encode_png(np.concatenate(list(pixels), axis=1))

    errors = [_error(signal) for signal in signals]
    limit = max(rasters.robust_limit(error) for error in errors)
    return {
        "target.png": side_by_side([rasters.to_pixels(one.target) for one in signals]),
        "reconstruction.png": side_by_side([rasters.to_pixels(one.prediction) for one in signals]),
        "error.png": side_by_side([rasters.colours(error / limit, "magma") for error in errors]),
    }
