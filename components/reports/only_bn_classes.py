"""How a classifier does class by class: confusion matrix, most confused pairs, accuracies."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from components.evaluators.classification import HitCount
from components.reports.content import Picture, PictureRow, Section, Table
from components.reports.figures import INK, MUTED, SERIES, chart, chart_svg
from components.reports.only_bn_predictions import Predictions

#: With more classes than these, a matrix cannot be read: the extremes are listed instead.
MOST_CLASSES_SHOWN = 20
_PAIRS_SHOWN = 15
_EXTREMES_SHOWN = 10
_LONGEST_NAME = 28


def class_sections(predictions: Predictions) -> tuple[Section, Section]:
    """Returns the sections on confusion and on each class's accuracy."""
    few = len(predictions.class_names) <= MOST_CLASSES_SHOWN
    return _confusion(predictions, few), _accuracies(predictions, few)


def short_name(name: str) -> str:
    """Returns the first of a class's names, shortened if it is long.

    ImageNet's are lists of synonyms: "goldfish, Carassius auratus".
    """
    first = name.split(",")[0].strip()
    return first if len(first) <= _LONGEST_NAME else first[: _LONGEST_NAME - 1] + "…"


def confusion_csv(predictions: Predictions) -> bytes:
    """Returns the confusion matrix as rows of label, prediction and records, zeros left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["label", "label_name", "predicted", "predicted_name", "records"])
    names = predictions.class_names
    for label, predicted in np.argwhere(predictions.confusion):
        count = predictions.confusion[label, predicted]
        writer.writerow([label, names[label], predicted, names[predicted], count])
    return text.getvalue().encode()


def _confusion(predictions: Predictions, few: bool) -> Section:
    note = f" {predictions.undefined:,} records got no numbers." if predictions.undefined else ""
    if few:
        text = "Test pictures by their class (rows) and by what they were taken for (columns)."
        picture = confusion_picture(predictions.confusion, predictions.class_names)
        return Section("Confusion", text + note, (PictureRow((picture,)),))
    names = predictions.class_names
    rows = [
        (short_name(names[label]), short_name(names[other]), f"{count:,}", f"{share:.0%}")
        for label, other, count, share in confused_pairs(predictions.confusion, _PAIRS_SHOWN)
    ]
    columns = ("Class", "Taken for", "Pictures", "Share of the class")
    text = f"The {len(rows)} most confused pairs of {len(names):,} classes."
    return Section("Confusion", text + note, table=Table(columns, tuple(rows), numeric=(2, 3)))


def confused_pairs(confusion: NDArray[np.int64], count: int) -> list[tuple[int, int, int, float]]:
    """Returns the commonest mistakes.

    Args:
        confusion: `[classes, classes]`, rows are labels.
        count: How many at most.

    Returns:
        (label, predicted, records, share of the label's records), the commonest first.
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    pairs = []
    for place in np.argsort(-wrong, axis=None, kind="stable")[:count]:
        label, other = divmod(int(place), len(wrong))
        records = int(wrong[label, other])
        if records:
            pairs.append((label, other, records, records / int(confusion[label].sum())))
    return pairs


def confusion_picture(confusion: NDArray[np.int64], names: Sequence[str]) -> Picture:
    """Draws the matrix: right answers in one colour, mistakes in another, deeper where more.

    Args:
        confusion: `[classes, classes]`, rows are labels.
        names: Of the classes.
    """
    from matplotlib.patches import Rectangle

    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    size = len(names)
    shown = [short_name(name).replace("$", r"\$") for name in names]
    with chart(1000, 34 * size + 84) as (figure, (axes,)):
        for label, predicted in np.argwhere(confusion):
            colour = SERIES[0] if label == predicted else SERIES[1]
            # Deep enough to be seen, and no deeper than the number on it can be read.
            opacity = 0.06 + 0.5 * float(shares[label, predicted])
            corner = (predicted - 0.48, label - 0.46)
            axes.add_patch(Rectangle(corner, 0.96, 0.92, color=colour, alpha=opacity, linewidth=0))
            axes.text(
                *(predicted, label, f"{confusion[label, predicted]:,}"),
                color=INK,
                ha="center",
                va="center",
            )
        axes.set_xticks(range(size), shown, color=INK, rotation=0 if size <= 10 else 45)
        axes.set_yticks(range(size), shown, color=INK)
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(size - 0.5, -0.5)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("taken for", color=MUTED)
        axes.set_ylabel("class", color=MUTED)
        return Picture(chart_svg(figure), "Confusion matrix", "image/svg+xml")


def _accuracies(predictions: Predictions, few: bool) -> Section:
    seen = [label for label, row in enumerate(predictions.confusion) if row.sum()]
    text = "Intervals are the bootstrap's, which have no width where all answers are alike."
    if not few and len(seen) > 2 * _EXTREMES_SHOWN:
        ordered = sorted(seen, key=lambda label: (_hits(predictions, label).accuracy, label))
        seen = [*ordered[:_EXTREMES_SHOWN], *ordered[-_EXTREMES_SHOWN:]]
        text = f"The {_EXTREMES_SHOWN} hardest and the {_EXTREMES_SHOWN} easiest classes. {text}"
    columns = ("Class", "Pictures", "Top-1", "95 % interval", "Most often taken for")
    rows = tuple(_class_row(predictions, label) for label in seen)
    return Section("Accuracy of each class", text, table=Table(columns, rows, numeric=(1, 2, 3)))


def _class_row(predictions: Predictions, label: int) -> tuple[str, ...]:
    hits = _hits(predictions, label)
    low, high = hits.interval
    others = predictions.confusion[label].copy()
    others[label] = 0
    other = int(np.argmax(others))
    mistaken = (
        f"{short_name(predictions.class_names[other])} ({others[other]:,})" if others[other] else ""
    )
    return (
        short_name(predictions.class_names[label]),
        f"{hits.records:,}",
        f"{hits.accuracy:.1%}",
        f"{low:.1%} to {high:.1%}",
        mistaken,
    )


def _hits(predictions: Predictions, label: int) -> HitCount:
    row = predictions.confusion[label]
    return HitCount(float(row[label]), int(row.sum()))


def names_in_words(names: Iterable[str], count: int = 3) -> str:
    """Returns the first few class names, for a sentence."""
    listed = list(names)
    return ", ".join(map(short_name, listed[:count])) + (", …" if len(listed) > count else "")
