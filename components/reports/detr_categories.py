"""What a detector is worth on each category: names, a table, and the same as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.evaluators.category_values import CategoryValues, read_category_values
from components.example_gens.coco_categories import CATEGORIES
from components.reports.category_colours import Rgb, category_colour
from components.reports.content import Table

#: Metrics that an evaluation holds by category -> which of their values the table has.
METRICS: dict[str, tuple[str, ...]] = {
    "ap": ("ap", "ap_50"),
    "mask_ap": ("ap", "ap_50"),
    "pq": ("pq", "sq", "rq"),
}
_TITLES = {"ap": "AP", "ap_50": "AP50", "pq": "PQ", "sq": "SQ", "rq": "RQ"}
_BOXES, _MASKS = "ap", "mask_ap"
_NOTHING = "–"


@dataclass(frozen=True)
class Categories:
    """How categories are called and drawn.

    Attributes:
        official: Whether the numbers are COCO's.
    """

    official: bool = True

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> Categories:
        """Those of a run's data section."""
        return cls(config.get("data", {}).get("categories", "official") == "official")

    def name(self, category: int) -> str:
        """A category in words; records hold no names of other data sets' categories."""
        if self.official and category in CATEGORIES:
            return CATEGORIES[category].name.removesuffix("-merged").removesuffix("-stuff")
        return f"category {category}"

    def is_thing(self, category: int) -> bool:
        """Whether it can be counted; what is not known to be stuff is taken for a thing."""
        return not self.official or category not in CATEGORIES or CATEGORIES[category].is_thing

    def colour(self, category: int) -> Rgb:
        """What it is drawn in."""
        return category_colour(category, is_thing=self.is_thing(category))


@dataclass(frozen=True)
class Measured:
    """What an evaluation measured of each category.

    Attributes:
        by_metric: `ap`, `mask_ap`, `pq`, of those that were measured, in this order.
    """

    by_metric: Mapping[str, CategoryValues] = field(default_factory=dict)

    def numbers(self) -> list[int]:
        """All categories that occur."""
        return sorted({number for one in self.by_metric.values() for number in one.values})

    def targets(self, category: int) -> int:
        """How many there are to find, boxes or segments."""
        for values in self.by_metric.values():
            known = values.values.get(category)
            if known and "targets" in known:
                return round(known["targets"])
            if known:
                return round(known["matches"] + known["false_negatives"])
        return 0

    def value(self, metric: str, name: str, category: int) -> float:
        """One value; not a number where nothing was measured."""
        return self.by_metric[metric].values.get(category, {}).get(name, math.nan)


def load_measured(evaluation_dir: str, config: Mapping[str, Any]) -> Measured:
    """Reads what the Evaluator measured by category.

    Args:
        evaluation_dir: The `evaluation` artifact's directory.
        config: The resolved configuration, whose section `evaluation` says what was measured.

    Raises:
        RunError: The evaluation does not hold what the configuration says.
    """
    measured = config.get("evaluation", {}).get("metrics", ())
    return Measured(
        {name: read_category_values(evaluation_dir, name) for name in METRICS if name in measured}
    )


def category_table(measured: Measured, categories: Categories) -> Table:
    """Returns the values of each category, things before stuff, the best first."""
    columns = _columns(measured)
    titles = ("Category", "Targets", *(title for title, *_ in columns))
    rows = tuple(
        (
            categories.name(number),
            f"{measured.targets(number):,}",
            *(_shown(measured.value(metric, name, number)) for _, metric, name in columns),
        )
        for number in _ordered(measured, categories)
    )
    return Table(titles, rows, numeric=tuple(range(1, len(titles))))


def categories_csv(measured: Measured, categories: Categories) -> bytes:
    """Returns every value of every category, one category a row."""
    names = {
        metric: sorted({name for one in values.values.values() for name in one})
        for metric, values in measured.by_metric.items()
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # Boxes and masks have values of the same names.
    prefixes = {_MASKS: "mask_"}
    header = [prefixes.get(metric, "") + name for metric in names for name in names[metric]]
    writer.writerow(["category_id", "category", "is_thing", *header])
    for number in measured.numbers():
        values = [
            measured.value(metric, name, number) for metric in names for name in names[metric]
        ]
        writer.writerow(
            [
                *(number, categories.name(number), int(categories.is_thing(number))),
                *("" if math.isnan(value) else f"{value:.6g}" for value in values),
            ]
        )
    return text.getvalue().encode()


def _columns(measured: Measured) -> list[tuple[str, str, str]]:
    """(title, metric, value's name) of each column of numbers."""
    both = {_BOXES, _MASKS} <= measured.by_metric.keys()
    kinds = {_BOXES: "Box ", _MASKS: "Mask "} if both else {}
    return [
        (kinds.get(metric, "") + _TITLES[name], metric, name)
        for metric in measured.by_metric
        for name in METRICS[metric]
    ]


def _ordered(measured: Measured, categories: Categories) -> list[int]:
    [(_, metric, name), *_] = _columns(measured)

    def place(number: int) -> tuple[bool, float, int]:
        value = measured.value(metric, name, number)
        return not categories.is_thing(number), 1.0 if math.isnan(value) else -value, number

    return sorted(measured.numbers(), key=place)


def _shown(value: float) -> str:
    return _NOTHING if math.isnan(value) else f"{100 * value:.1f}"
