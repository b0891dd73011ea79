"""DETR's part of a report: boxes, segments, where queries look, and each category's precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.reports.content import PaperContent, PaperInputs, PictureRow, Section
from components.reports.detr_attention import CONFIDENT, attention_rows
from components.reports.detr_categories import (
    Categories,
    Measured,
    categories_csv,
    category_table,
    load_measured,
)
from components.reports.detr_charts import charts
from components.reports.detr_overlays import DRAWN_FROM, box_row, segment_row, surest
from components.reports.detr_precision import precision_picture
from components.reports.detr_predictions import Predictions, ShownImage, load_predictions
from components.reports.detr_protocol import data_in_words, protocol
from components.reports.panel_png import rows_png
from components.reports.panel_svg import row_picture
from components.reports.picture_panels import PAGE_WIDTH, PanelRow
from components.trainers.detr.panoptic import THRESHOLD

_TITLE = "End-to-End Object Detection with Transformers"
_AUTHORS = "Carion, Massa, Synnaeve, Usunier, Kirillov, Zagoruyko. ECCV 2020"
# Of the 12, 24 or 33 metrics.
_HEADLINE = ("pq", "sq", "rq", "ap", "ap_50", "ap_75", "mask_ap")
_PRECISION_TITLES = {"ap": "Boxes", "mask_ap": "Masks"}


def paper_content(inputs: PaperInputs) -> PaperContent:
    """Returns DETR's part of a report; called by the Report component."""
    measured = load_measured(inputs.evaluation_dir, inputs.config)
    return content_of(load_predictions(inputs), measured, inputs.config)


def content_of(
    predictions: Predictions, measured: Measured, config: Mapping[str, Any]
) -> PaperContent:
    """Lays out answers and numbers that are already there.

    Args:
        predictions: What was found in some test images.
        measured: What the Evaluator measured by category.
        config: The resolved configuration.
    """
    categories = Categories.of_config(config)
    images = predictions.images
    boxes = [(image.number, box_row(image, categories)) for image in images]
    segments = [
        (image.number, row)
        for image in images
        if (row := segment_row(image, categories)) is not None
    ]
    looks = attention_rows(images, categories)
    sections = [_boxes(boxes)]
    if segments:
        sections.append(_segments(segments))
    sections.append(_attention(images, looks))
    if measured.by_metric:
        sections += [_precision(measured), _by_category(measured, categories)]
    kinds = "Objects and stuff" if images[0].found_segments is not None else "Objects"
    sheets = {"boxes": boxes, "segments": segments, "attention": looks}
    return PaperContent(
        title=_TITLE,
        authors=_AUTHORS,
        subject=f"{kinds} found as a set in {data_in_words(predictions.image_numbers, config)}",
        sections=tuple(sections),
        headline=_HEADLINE,
        charts=charts(config),
        protocol=protocol(predictions.image_numbers, config),
        files={
            **{f"{name}.png": _sheet(rows) for name, rows in sheets.items() if rows},
            **(
                {"categories.csv": categories_csv(measured, categories)}
                if measured.by_metric
                else {}
            ),
        },
    )


def _boxes(rows: Sequence[tuple[int, PanelRow]]) -> Section:
    text = (
        f"The first {len(rows)} test images: left the things there are, right those found with a "
        f"score of at least {DRAWN_FROM:.0%}. Dashed boxes are crowds. Stuff is left out, as it is "
        "in average precision."
    )
    if not any(row.panels[-1].marks for _, row in rows):
        text += " Nothing was found."
    return Section("Boxes", text, _picture_rows(rows, "True boxes, and those found"))


def _segments(rows: Sequence[tuple[int, PanelRow]]) -> Section:
    text = (
        f"Queries that are more than {THRESHOLD:.0%} sure share out the pixels among them. What "
        "belongs to no segment is dark."
    )
    return Section("Segments", text, _picture_rows(rows, "True segments, and those found"))


def _attention(images: Sequence[ShownImage], rows: Sequence[tuple[int, PanelRow]]) -> Section:
    confident = sum(len(surest(image.found, CONFIDENT).labels) for image in images)
    text = (
        "Which parts of the image a query draws on for its class and its box: the attention of "
        "the last decoder layer, the mean over its heads; the brighter, the more. "
    )
    if confident:
        text += (
            f"Of the images above, those with the most queries that are at least {CONFIDENT:.0%} "
            "sure, and of each the surest ones, things first."
        )
    else:
        text += f"No query was {CONFIDENT:.0%} sure; those with the highest scores are shown."
    return Section("Where queries look", text, _picture_rows(rows, "Attention of a few queries"))


def _precision(measured: Measured) -> Section:
    known = {
        title: measured.by_metric[metric]
        for metric, title in _PRECISION_TITLES.items()
        if metric in measured.by_metric
    }
    pictures = tuple(
        picture
        for title, values in known.items()
        if (picture := precision_picture(title, values, PAGE_WIDTH / len(known))) is not None
    )
    text = (
        "The share of the detections that are right, where the surest of them find a given share "
        "of the objects; the mean over the categories of things that the test images have. The "
        "mean of a curve is its average precision."
    )
    rows = (PictureRow(pictures),) if pictures else ()
    return Section("Precision and recall", text if rows else "There were no things to find.", rows)


def _by_category(measured: Measured, categories: Categories) -> Section:
    text = "On all test images, in percent; things before stuff, and of each the best first."
    table = category_table(measured, categories)
    return Section("Each category", text, table=table)


def _picture_rows(rows: Sequence[tuple[int, PanelRow]], alt: str) -> tuple[PictureRow, ...]:
    return tuple(
        PictureRow((row_picture(row, f"{alt}, image {number}"),), label=f"Image {number}")
        for number, row in rows
    )


def _sheet(rows: Sequence[tuple[int, PanelRow]]) -> bytes:
    return rows_png([row for _, row in rows])
