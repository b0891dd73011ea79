"""Which packages are there, whether they fit each other, and where the kfp SDK comes from."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import site
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from pipelines.doctor.check import Check

DISTRIBUTION = "papergarden"
HOOK_FILE = "papergarden_kfp.pth"
SHOWN = (
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "tensorflow-model-analysis",
    "ml-metadata",
    "kfp",
)
REINSTALL = "`make setup`, or `pip install 'papergarden[pipelines]'`"


def check_packages() -> list[Check]:
    """Versions of what pipelines stand on, then whether all requirements are met."""
    checks = []
    for name in SHOWN:
        version = installed_version(name)
        if version is None:
            advice = f"pipelines need it: {REINSTALL}"
            checks.append(Check(name, "fail", "not installed", advice))
        else:
            checks.append(Check(name, "ok", version))
    return [*checks, check_requirements()]


def check_requirements() -> Check:
    """The installed versions against what this distribution asks for."""
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        advice = f"the sources are used without being installed: {REINSTALL}"
        return Check("requirements", "warn", "papergarden is not installed", advice)
    wrong = list(_unmet(lines))
    if wrong:
        return Check("requirements", "fail", "; ".join(wrong), REINSTALL)
    return Check("requirements", "ok", "every version is one that papergarden asks for")


def _unmet(lines: Iterable[str]) -> Iterable[str]:
    from packaging.requirements import Requirement

    for line in lines:
        requirement = Requirement(line)
        marker = requirement.marker
        wanted = marker is None or any(
            marker.evaluate({"extra": extra}) for extra in ("", "notebooks", "pipelines")
        )
        if not wanted or requirement.name == DISTRIBUTION:
            continue
        version = installed_version(requirement.name)
        if version is None:
            yield f"{requirement.name} is missing"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} is {version}, not {requirement.specifier}"


def check_kfp_import() -> Check:
    """`import kfp` must find the SDK: a folder of that name in front of it silently disables it."""
    spec = importlib.util.find_spec("kfp")
    if spec is None:
        return Check("kfp import", "fail", "no kfp", f"pipelines need it: {REINSTALL}")
    if spec.origin is None:
        folders = ", ".join(spec.submodule_search_locations or ())
        advice = f"the SDK is not installed: {REINSTALL}"
        return Check("kfp import", "fail", f"a plain folder: {folders}", advice)
    origin = Path(spec.origin)
    if _is_installed(origin):
        return Check("kfp import", "ok", str(origin.parent))
    advice = f"it hides the SDK: take {origin.parent.parent} off PYTHONPATH, or remove {origin}"
    return Check("kfp import", "fail", str(origin), advice)


def check_kfp_command() -> Check:
    """Whether `kfp run <pipeline>` reaches Papergarden, and the script it is part of exists."""
    script = Path(sysconfig.get_path("scripts")) / "kfp"
    hooks = [folder / HOOK_FILE for folder in _site_folders() if (folder / HOOK_FILE).is_file()]
    if not script.is_file():
        return Check("kfp run", "warn", f"no {script}", f"reinstall kfp: {REINSTALL}")
    if not hooks:
        advice = f"use `papergarden run` instead, or {REINSTALL}"
        return Check("kfp run", "warn", f"{HOOK_FILE} is in no site folder", advice)
    return Check("kfp run", "ok", f"{script} with {hooks[0].name}")


def installed_version(name: str) -> str | None:
    """The version of an installed distribution, without importing it; None if it is absent."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _site_folders() -> list[Path]:
    folders = {
        sysconfig.get_path("purelib"),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
    return [Path(folder) for folder in sorted(folders)]


def _is_installed(origin: Path) -> bool:
    return bool({"site-packages", "dist-packages"} & set(origin.parts))
