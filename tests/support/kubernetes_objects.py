"""Kubernetes objects of a kustomization, and whether Kubernetes knows what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import models

Object = dict[str, Any]

_LIST = re.compile(r"list\[(\w+)\]")
_MAP = re.compile(r"dict\(str, (\w+)\)")
# A value of any of these is one that YAML reads as such.
_PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def read_kustomization(folder: Path) -> list[Object]:
    """The objects that a kustomization names and generates, less what it patches.

    Args:
        folder: Holds `kustomization.yaml`.
    """
    found = yaml.safe_load((folder / "kustomization.yaml").read_text())
    objects: list[Object] = []
    for name in found.get("resources", ()):
        path = folder / name
        objects += read_kustomization(path) if path.is_dir() else read_objects(path)
    for one in found.get("secretGenerator", ()):
        # The real one is nobody's but the cluster's.
        values: dict[str, str] = {}
        for name in one["envs"]:
            values |= dict(_read_variables(folder / f"{name}.example"))
        objects.append(_generated("Secret", one["name"], {"stringData": values}))
    for one in found.get("configMapGenerator", ()):
        files = {name: (folder / name).read_text() for name in one["files"]}
        objects.append(_generated("ConfigMap", one["name"], {"data": files}))
    return objects


def read_objects(path: Path) -> list[Object]:
    """The objects of a YAML file."""
    return [one for one in yaml.safe_load_all(path.read_text()) if one is not None]


def _read_variables(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        name, found, value = line.partition("=")
        if found:
            yield name, value


def _generated(kind: str, name: str, contents: Object) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **contents}


def unknown_parts(found: Object) -> list[str]:
    """What Kubernetes' own models do not know, or miss, in an object; empty if all is well."""
    return list(_unknown(found, f"V1{found['kind']}", found["kind"]))


def _unknown(value: Any, type_name: str, place: str) -> Iterator[str]:
    if type_name == "object":
        return
    if inner := _LIST.fullmatch(type_name):
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for index, one in enumerate(value):
            yield from _unknown(one, inner[1], f"{place}[{index}]")
    elif inner := _MAP.fullmatch(type_name):
        if not isinstance(value, dict):
            yield f"{place} is no map"
            return
        for name, one in value.items():
            yield from _unknown(one, inner[1], f"{place}.{name}")
    elif type_name in _PLAIN:
        number_for_truth = type_name in ("int", "float") and isinstance(value, bool)
        if number_for_truth or not isinstance(value, _PLAIN[type_name]):
            yield f"{place} is no {type_name}: {value!r}"
    else:
        yield from _unknown_fields(value, getattr(models, type_name), place)


def _unknown_fields(value: Any, model: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is no {model.__name__}: {value!r}"
        return
    attributes = {spelling: name for name, spelling in model.attribute_map.items()}
    for spelling, one in value.items():
        if spelling not in attributes:
            yield f"{place}.{spelling} is unknown"
        else:
            inner = model.openapi_types[attributes[spelling]]
            yield from _unknown(one, inner, f"{place}.{spelling}")
    try:
        model(**{attributes[name]: one for name, one in value.items() if name in attributes})
    except ValueError as error:
        yield f"{place}: {error}"
