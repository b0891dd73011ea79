"""The categories that an annotation file defines, held against COCO's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.errors import DataError
from components.example_gens.coco_categories import CATEGORIES, Category
from components.example_gens.coco_config import CocoDataConfig


@dataclass(frozen=True)
class Catalogue:
    """The categories of a file.

    Attributes:
        categories: Id -> category.
    """

    categories: Mapping[int, Category]

    @cached_property
    def known(self) -> frozenset[int]:
        """All ids."""
        return frozenset(self.categories)

    @cached_property
    def things(self) -> frozenset[int]:
        """The ids of things."""
        return frozenset(one for one, category in self.categories.items() if category.is_thing)


def read_catalogue(listed: Any, path: str, config: CocoDataConfig) -> Catalogue:
    """Reads the member `categories` of a file.

    Args:
        listed: Its value.
        path: Names the file in errors.
        config: Says which ids there may be, and whether they must be COCO's.

    Raises:
        DataError: It is no list of categories, an id stands twice or is out of range, or a category
            is not COCO's.
    """
    if not isinstance(listed, list) or not listed:
        raise _unusable(path, repr(listed)[:40])
    categories: dict[int, Category] = {}
    for one in listed:
        if (
            not isinstance(one, dict)
            or type(one.get("id")) is not int
            or not isinstance(one.get("name"), str)
        ):
            raise _unusable(path, repr(one)[:80])
        number = one["id"]
        # `instances_*.json` says nothing about it: all are things.
        category = Category(
            one["name"], str(one.get("supercategory", "")), bool(one.get("isthing", 1))
        )
        if number in categories:
            raise _unusable(path, f"the id {number} twice")
        if not 1 <= number < config.num_classes:
            raise DataError(
                f"{path} has a category whose id is not below the number of classes",
                found=f"{number}, {category.name}",
                expected=f"1 to {config.num_classes - 1}",
                fix=f"--set data.categories=custom --set data.classes={number + 1}",
            )
        if config.categories == "official":
            _refuse_foreign(number, category, path)
        categories[number] = category
    return Catalogue(categories)


def _refuse_foreign(number: int, category: Category, path: str) -> None:
    official = CATEGORIES.get(number)
    if official is None or (official.name, official.is_thing) != (category.name, category.is_thing):
        raise DataError(
            f"{path} has a category that is not COCO's",
            found=f"{number} is {category.name}, {_kind(category)}",
            expected=f"{number} is {official.name}, {_kind(official)}"
            if official
            else f"one of COCO's {len(CATEGORIES)} ids, which have gaps",
            fix="leave COCO's ids as they are; for other categories, --set data.categories=custom",
        )


def _kind(category: Category) -> str:
    return "a thing" if category.is_thing else "stuff"


def _unusable(path: str, found: str) -> DataError:
    return DataError(
        f"the `categories` of {path} cannot be used",
        found=found,
        expected="objects with an `id` of its own, `name` and `supercategory`",
        fix="download the annotations again",
    )
