"""Which of the two TFX stacks this machine can have, and which one it has."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass

from pipelines.doctor.check import Check, Status

Version = tuple[int, int]


@dataclass(frozen=True)
class Stack:
    """A set of packages that resolves together.

    Attributes:
        name: What it is called, by its TFX.
        oldest_python: First Python it installs on.
        newest_python: Last Python it installs on.
        oldest_glibc: First glibc its binary wheels load on.
    """

    name: str
    oldest_python: Version
    newest_python: Version
    oldest_glibc: Version

    @property
    def pythons(self) -> str:
        """The Pythons in words, `3.10` or `3.11-3.13`."""
        first, last = as_text(self.oldest_python), as_text(self.newest_python)
        return first if first == last else f"{first}-{last}"

    def obstacles(self, python: Version, glibc: Version | None) -> list[str]:
        """Why the stack cannot be had; empty if it can."""
        found = []
        if not self.oldest_python <= python <= self.newest_python:
            found.append(f"needs Python {self.pythons}, this is {as_text(python)}")
        if glibc is None:
            found.append("needs glibc, this machine has another C library")
        elif glibc < self.oldest_glibc:
            found.append(f"needs glibc {as_text(self.oldest_glibc)}, this is {as_text(glibc)}")
        return found


STACKS = (
    Stack("TFX 1.16", (3, 10), (3, 10), (2, 17)),
    Stack("TFX 1.21", (3, 11), (3, 13), (2, 39)),
)


def as_text(version: Version) -> str:
    """`(3, 10)` as `3.10`."""
    return f"{version[0]}.{version[1]}"


def find_glibc() -> Version | None:
    """The version of the C library, None where it is not glibc."""
    try:
        name, _, text = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        return None
    parts = text.split(".")
    return (int(parts[0]), int(parts[1])) if name == "glibc" and len(parts) > 1 else None


def check_platform() -> Check:
    """TFX's binary parts are built for Linux on x86-64 alone."""
    found = f"{platform.system()} {platform.machine()}"
    if found == "Linux x86_64":
        return Check("platform", "ok", found)
    advice = "TFX has wheels for Linux x86_64 only; models, losses, metrics and notebooks run here"
    return Check("platform", "fail", found, advice)


def check_python(python: Version, glibc: Version | None) -> Check:
    """The running Python against the stacks; 3.10 is the one that installs everywhere."""
    found = f"{as_text(python)} at {sys.prefix}"
    if any(stack.oldest_python <= python <= stack.newest_python for stack in STACKS):
        return Check("python", "ok", found)
    advice = f"make the environment anew with {_possible_pythons(glibc)}"
    return Check("python", "fail", found, advice)


def check_glibc(glibc: Version | None) -> Check:
    """The C library, which decides about TFX 1.21."""
    if glibc is None:
        advice = "use a distribution with glibc, such as Debian or Ubuntu, or a container of one"
        return Check("glibc", "fail", "none", advice)
    newer = [s for s in STACKS if glibc < s.oldest_glibc]
    advice = "; ".join(
        f"{s.name} needs {as_text(s.oldest_glibc)} (Debian 13, Ubuntu 24.04)" for s in newer
    )
    status: Status = "fail" if len(newer) == len(STACKS) else "ok"
    return Check("glibc", status, as_text(glibc), advice)


def check_stacks(python: Version, glibc: Version | None) -> list[Check]:
    """One check per stack: whether this Python on this machine can have it, and why not."""
    obstacles = {stack.name: stack.obstacles(python, glibc) for stack in STACKS}
    status: Status = "fail" if all(obstacles.values()) else "ok"
    advice = f"make the environment anew with {_possible_pythons(glibc)}"
    checks = []
    for name, reasons in obstacles.items():
        if reasons:
            found = "not with this environment: " + "; ".join(reasons)
            checks.append(Check(name, status, found, advice if status == "fail" else ""))
        else:
            checks.append(Check(name, "ok", "installs here"))
    return checks


def _possible_pythons(glibc: Version | None) -> str:
    fitting = [s.pythons for s in STACKS if glibc is not None and glibc >= s.oldest_glibc]
    return f"Python {' or '.join(fitting)}" if fitting else "glibc 2.17 or newer"
