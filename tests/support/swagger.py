"""Checks requests and answers against a published API, Swagger 2.0 of protocol buffers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

# Kubeflow's API marks what a request must hold in words alone.
REQUIRED = "required input"


class Swagger:
    """An API.

    Args:
        path: Its description, JSON.
    """

    def __init__(self, path: Path) -> None:
        self._api = json.loads(path.read_text())

    def find(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation of a method and a path, if there is one."""
        for template, operations in self._api["paths"].items():
            pattern = "/".join(
                "[^/:]+" if part.startswith("{") and part.endswith("}") else re.escape(part)
                for part in template.split("/")
            )
            if re.fullmatch(pattern, path) and method.lower() in operations:
                return dict(operations[method.lower()])
        return None

    def request_violations(
        self, operation: Mapping[str, Any], query: Mapping[str, str], body: Any
    ) -> list[str]:
        """What is wrong with a request."""
        parameters = {
            one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"
        }
        found = [f"unknown query parameter {name}" for name in query if name not in parameters]
        for name, value in query.items():
            if parameters.get(name, {}).get("type") == "integer" and not value.isdecimal():
                found.append(f"query parameter {name} is no number: {value}")
        bodies = [one for one in operation.get("parameters", ()) if one["in"] == "body"]
        if not bodies:
            return found + ["a body is not expected"] * (body is not None)
        if body is None:
            return [*found, "the body is missing"]
        schema = bodies[0]["schema"]
        return [*found, *self._missing(body, schema), *self._violations(body, schema, "body")]

    def answer_violations(self, operation: Mapping[str, Any], status: int, body: Any) -> list[str]:
        """What is wrong with an answer."""
        answers = operation["responses"]
        answer = answers.get(str(status)) or answers["default"]
        return list(self._violations(body, answer["schema"], "answer"))

    def _resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        return self._api["definitions"][reference.rpartition("/")[2]] if reference else schema

    def _missing(self, body: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
        for name, one in self._resolve(schema)["properties"].items():
            words = f"{one.get('description', '')}\n{self._resolve(one).get('description', '')}"
            if any(line.lower().startswith(REQUIRED) for line in words.splitlines()) and not (
                body.get(name)
            ):
                yield f"body.{name} is required"

    def _violations(self, value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
        schema = self._resolve(schema)
        kind = schema.get("type")
        if "enum" in schema:
            if value not in schema["enum"]:
                yield f"{where} is none of {schema['enum']}: {value!r}"
        elif kind == "object":
            yield from self._object_violations(value, schema, where)
        elif kind == "array":
            if not isinstance(value, list):
                yield f"{where} is no array: {value!r}"
                return
            for index, one in enumerate(value):
                yield from self._violations(one, schema["items"], f"{where}[{index}]")
        elif kind is not None and not _is_scalar(value, kind, schema.get("format", "")):
            yield f"{where} is no {schema.get('format', '')} {kind}: {value!r}"

    def _object_violations(
        self, value: Any, schema: Mapping[str, Any], where: str
    ) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where} is no object: {value!r}"
            return
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name, one in value.items():
            if name in properties:
                yield from self._violations(one, properties[name], f"{where}.{name}")
            elif others is not None:
                yield from self._violations(one, others, f"{where}.{name}")
            elif properties:
                yield f"{where}.{name} is unknown"


def _is_scalar(value: Any, kind: str, form: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    # JSON has no 64-bit integers: protocol buffers write them as strings and read both.
    if kind == "integer" or form == "int64":
        text = str(value) if not isinstance(value, bool) else ""
        return re.fullmatch(r"-?\d+", text) is not None
    if not isinstance(value, str):
        return False
    if form == "date-time":
        try:
            datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return False
    return True
