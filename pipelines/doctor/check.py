"""What a check of the machine says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One fact about the machine or its packages, and what follows from it.

    Attributes:
        name: What was looked at, such as `glibc`.
        status: `fail` means that no pipeline runs before it is mended; `warn`, that some will not
            or will be slow.
        found: What is there, in words.
        advice: What to do about it, or what it allows; empty where there is nothing to say.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


def render(checks: Sequence[Check], *, as_json: bool = False) -> str:
    """The checks as a table for people, or as JSON for programs."""
    if as_json:
        return json.dumps([asdict(check) for check in checks], indent=2)
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{check.status:<4}  {check.name:<{width}}  {check.found}")
        if check.advice:
            lines.append(f"{'':<4}  {'':<{width}}    {check.advice}")
    worst = [sum(check.status == status for check in checks) for status in ("fail", "warn")]
    lines.append(f"{worst[0]} to mend, {worst[1]} to know of, {len(checks) - sum(worst)} in order")
    return "\n".join(lines)
