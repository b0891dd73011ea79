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
        task: The configuration's `task` it can be compared with; the data set's name for papers
            that have one task.
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

_ONLY_BN_PAPER = "paper (ICLR 2021)"
_ONLY_BN_CIFAR = "gammas and betas alone trained, 160 epochs of batch 128, SGD 0.1"
_ONLY_BN_ATTEMPT = (
    "gammas and betas alone, gamma from N(0, 1), no ReLU after the sum, no weight decay"
)
_ONLY_BN_ATTEMPT_TOP_1: tuple[tuple[int, float], ...] = (
    (14, 0.4667),
    (32, 0.5129),
    (56, 0.5521),
    (110, 0.6519),
    (218, 0.7009),
    (434, 0.7367),
    (866, 0.7783),
)
# That project's front page says of these depths that they diverged with the paper's recipe.
_ONLY_BN_ATTEMPT_DIVERGED = 218


def _only_bn_attempt(depth: int, top_1: float) -> PaperResult:
    diverged = "; said to have diverged with the paper's recipe"
    return PaperResult(
        paper="only_bn",
        item=f"ResNet-{depth}",
        task="cifar10",
        metric="top_1",
        value=top_1,
        protocol=_ONLY_BN_ATTEMPT + (diverged if depth >= _ONLY_BN_ATTEMPT_DIVERGED else ""),
        source="Vishal-V/tf-models (2020), README",
        verified=True,
    )


ONLY_BN_RESULTS: tuple[PaperResult, ...] = (
    PaperResult(
        paper="only_bn",
        item="ResNet-866",
        task="cifar10",
        metric="top_1",
        value=0.82,
        protocol=_ONLY_BN_CIFAR,
        source=f"{_ONLY_BN_PAPER}, abstract",
        verified=True,
    ),
    *(
        PaperResult(
            paper="only_bn",
            item=f"ResNet-{depth}",
            task="cifar10",
            metric="top_1",
            value=value,
            protocol=f"about, give or take 0.02; {_ONLY_BN_CIFAR}",
            source=f"{_ONLY_BN_PAPER}, quoted from memory",
            verified=False,
        )
        for depth, value in ((14, 0.48), (56, 0.60), (110, 0.70))
    ),
    *(_only_bn_attempt(depth, top_1) for depth, top_1 in _ONLY_BN_ATTEMPT_TOP_1),
    *(
        PaperResult(
            paper="only_bn",
            item="trained networks",
            task=task,
            metric="disabled_features",
            value=0.33,
            protocol="about a third, the magnitude of gamma below 0.01",
            source=f"{_ONLY_BN_PAPER}, quoted from memory",
            verified=False,
        )
        for task in ("cifar10", "imagenet")
    ),
    PaperResult(
        paper="only_bn",
        item="ResNet-200",
        task="imagenet",
        metric="top_5",
        value=0.32,
        protocol=(
            "gammas and betas alone trained, 90 epochs of batch 1,024, SGD 0.4,"
            " centre crop of 224 pixels"
        ),
        source=f"{_ONLY_BN_PAPER}, abstract",
        verified=True,
    ),
)

_FINEGAN_PAPER = "paper (CVPR 2019, arXiv 1811.11155), from its table at papers-with-code"
_FINEGAN_IMAGES = "30,000 images at 128 pixels, equally many of each child's code, codes tied"
_FINEGAN_RELEASED = "the authors' released weights"
_FINEGAN_PROTOCOLS = {
    "inception_score": f"{_FINEGAN_IMAGES}; Inception fine-tuned on the data set's own classes",
    "fid": f"{_FINEGAN_IMAGES}; Inception trained on ImageNet, by a PyTorch implementation",
    "cluster_nmi": "real images, clustered by the features that FineGAN learned",
    "cluster_accuracy": "the same clusters, matched with the labels one to one",
}
_FINEGAN_TABLE: tuple[tuple[str, float, float, float, float], ...] = (
    ("cub", 52.53, 11.25, 0.403, 0.126),
    ("stanford_dogs", 46.92, 25.66, 0.233, 0.079),
    ("stanford_cars", 32.62, 16.03, 0.354, 0.078),
)


def _finegan_other(item: str, metric: str, value: float, protocol: str, source: str) -> PaperResult:
    return PaperResult("finegan", item, "cub", metric, value, protocol, source, verified=True)


FINEGAN_RESULTS: tuple[PaperResult, ...] = (
    *(
        PaperResult(
            paper="finegan",
            item="image clustering" if metric.startswith("cluster") else "image generation",
            task=task,
            metric=metric,
            value=value,
            protocol=_FINEGAN_PROTOCOLS[metric],
            source=_FINEGAN_PAPER,
            verified=True,
        )
        for task, *values in _FINEGAN_TABLE
        for metric, value in zip(_FINEGAN_PROTOCOLS, values, strict=True)
    ),
    _finegan_other(
        _FINEGAN_RELEASED,
        "inception_score",
        43.20,
        f"{_FINEGAN_IMAGES}; the authors' fine-tuned Inception at 299 pixels, 10 splits"
        " (deviation 0.54)",
        "yangyu12 in kkanshul/finegan#17",
    ),
    _finegan_other(
        _FINEGAN_RELEASED,
        "fid",
        22.08,
        f"{_FINEGAN_IMAGES}; pytorch-fid, 2,048 features, against CUB's images neither cropped"
        " nor resized",
        "yangyu12 in kkanshul/finegan#17",
    ),
    _finegan_other(
        _FINEGAN_RELEASED,
        "fid",
        18.79,
        "bioinf-jku/TTUR; number and crop of the images not told",
        "bravotty in kkanshul/finegan#12",
    ),
    _finegan_other(
        "an earlier TensorFlow attempt",
        "inception_score",
        14.7,
        "300 epochs, its losses flat over the last 70; protocol not told",
        "Vishal-V's README",
    ),
    _finegan_other(
        "an earlier TensorFlow attempt",
        "fid",
        35.76,
        "300 epochs, its losses flat over the last 70; protocol not told",
        "Vishal-V's README",
    ),
)

_DETR_SOURCE = "authors' code (facebookresearch/detr at 29901c5), README and hubconf"
_DETR_PROTOCOL = (
    "COCO val2017, shorter side 800 and longer at most 1,333 pixels, 100 queries, no test-time"
    " augmentation"
)
_DETR_DC5 = "; one image a batch"
_DETR_DETECTION: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("DETR-R50", "500 epochs", {"ap": 0.420, "ap_50": 0.624}),
    ("DETR-R50, short schedule", "150 epochs", {"ap": 0.395, "ap_50": 0.603}),
    ("DETR-DC5-R50", "500 epochs", {"ap": 0.433, "ap_50": 0.631}),
    ("DETR-R101", "500 epochs", {"ap": 0.435, "ap_50": 0.638}),
    ("DETR-DC5-R101", "500 epochs", {"ap": 0.449, "ap_50": 0.647}),
)
_DETR_PANOPTIC: tuple[tuple[str, dict[str, float]], ...] = (
    ("DETR-R50", {"ap": 0.388, "mask_ap": 0.311, "pq": 0.434}),
    ("DETR-DC5-R50", {"ap": 0.402, "mask_ap": 0.319, "pq": 0.446}),
    ("DETR-R101", {"ap": 0.401, "mask_ap": 0.330, "pq": 0.451}),
)


def _detr_result(item: str, task: str, metric: str, value: float, training: str) -> PaperResult:
    protocol = f"{_DETR_PROTOCOL}; {training}{_DETR_DC5 if 'DC5' in item else ''}"
    return PaperResult("detr", item, task, metric, value, protocol, _DETR_SOURCE, verified=True)


DETR_RESULTS: tuple[PaperResult, ...] = (
    *(
        _detr_result(item, "detection", metric, value, training)
        for item, training, values in _DETR_DETECTION
        for metric, value in values.items()
    ),
    *(
        _detr_result(item, "panoptic", metric, value, "25 epochs of the mask head alone")
        for item, values in _DETR_PANOPTIC
        for metric, value in values.items()
    ),
)

PAPER_RESULTS: dict[str, tuple[PaperResult, ...]] = {
    "siren": SIREN_RESULTS,
    "only_bn": ONLY_BN_RESULTS,
    "finegan": FINEGAN_RESULTS,
    "detr": DETR_RESULTS,
}


def paper_results(paper: str, task: str) -> tuple[PaperResult, ...]:
    """What is known of a paper's task, in the order of its tables."""
    return tuple(result for result in PAPER_RESULTS.get(paper, ()) if result.task == task)
