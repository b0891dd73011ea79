"""The papers' results as data, to be shown beside a run's own.

A number enters as verified only where its source was read; one quoted from memory stays unverified
and every report says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperResult:
    """One value that others report.

    Attributes:
        paper: Short name, as below `components/trainers`.
        item: Table, figure, row or experiment it belongs to.
        task: The configuration's `task` it can be compared with.
        metric: Metric's name in `benchmark_metrics`.
        value: In the metric's unit.
        protocol: Data, size, steps and definition that the value depends on.
        source: Where the value comes from.
        verified: Whether the source was read or the value measured; False means from memory.
    """

    paper: str
    item: str
    task: str
    metric: str
    value: float
    protocol: str
    source: str
    verified: bool


_FROM_MEMORY = "paper (NeurIPS 2020, arXiv 2006.09661), quoted from memory"
_MEASURED = "authors' code (vsitzmann/siren at 4df34ba), measured"
_ANCHOR_STEPS_PSNR_MSE: tuple[tuple[int, float, float], ...] = (
    (1, 11.43, 0.28798),
    (10, 18.97, 0.05065),
    (12, 19.92, 0.04073),
    (25, 23.21, 0.01912),
    (50, 25.05, 0.01249),
    (100, 26.74, 0.00847),
    (150, 28.10, 0.00620),
    (200, 29.62, 0.00436),
    (250, 31.44, 0.00287),
    (300, 32.63, 0.00218),
    (400, 34.41, 0.00145),
    (500, 35.67, 0.00108),
)


def _siren_anchor(steps: int, metric: str, value: float, definition: str) -> PaperResult:
    return PaperResult(
        paper="siren",
        item=f"camera image after {steps} steps",
        task="image",
        metric=metric,
        value=value,
        protocol=(
            f"256 x 256 gray camera image, 2-256x4-1, full batch, Adam 1e-4, seed 0, {definition}"
        ),
        source=_MEASURED,
        verified=True,
    )


SIREN_RESULTS: tuple[PaperResult, ...] = (
    PaperResult(
        paper="siren",
        item="image fitting",
        task="image",
        metric="psnr",
        value=50.0,
        protocol="about 50 dB after 15,000 steps",
        source=_FROM_MEMORY,
        verified=False,
    ),
    PaperResult(
        paper="siren",
        item="Poisson reconstruction from gradients",
        task="poisson_gradient",
        metric="psnr",
        value=32.9,
        protocol="camera image",
        source=_FROM_MEMORY,
        verified=False,
    ),
    PaperResult(
        paper="siren",
        item="Poisson reconstruction from the Laplacian",
        task="poisson_laplacian",
        metric="psnr",
        value=15.0,
        protocol="camera image, about 15 dB",
        source=_FROM_MEMORY,
        verified=False,
    ),
    *(
        _siren_anchor(steps, "psnr", psnr, "on [0, 1], prediction clipped")
        for steps, psnr, _ in _ANCHOR_STEPS_PSNR_MSE
    ),
    *(
        _siren_anchor(steps, "mse", mse, "on [-1, 1], unclipped")
        for steps, _, mse in _ANCHOR_STEPS_PSNR_MSE
    ),
)

PAPER_RESULTS: dict[str, tuple[PaperResult, ...]] = {"siren": SIREN_RESULTS}


def paper_results(paper: str, task: str) -> tuple[PaperResult, ...]:
    """What is known of a paper's task, in the order of its tables."""
    return tuple(result for result in PAPER_RESULTS.get(paper, ()) if result.task == task)
