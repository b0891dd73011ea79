"""What this machine can run, and what to do about what it cannot: `papergarden doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.doctor.check import Check, Status, render
from pipelines.doctor.machine import check_accelerators, check_cores, check_memory
from pipelines.doctor.packages import check_kfp_command, check_kfp_import, check_packages
from pipelines.doctor.stacks import (
    check_glibc,
    check_platform,
    check_python,
    check_stacks,
    find_glibc,
)
from pipelines.doctor.storage import check_storage

__all__ = ["Check", "Status", "render", "run_checks"]


def run_checks(root: Path) -> list[Check]:
    """Looks at everything a run depends on, without importing any of it.

    Args:
        root: Folder that runs are to be left in; it need not exist.

    Returns:
        The checks, from the machine up to the folder.
    """
    python, glibc = sys.version_info[:2], find_glibc()
    return [
        check_platform(),
        check_python(python, glibc),
        check_glibc(glibc),
        *check_stacks(python, glibc),
        *check_packages(),
        check_kfp_import(),
        check_kfp_command(),
        *check_accelerators(),
        check_cores(),
        check_memory(),
        check_beam(),
        *check_storage(root),
    ]


def check_beam() -> Check:
    """How Beam nodes run here unless `--beam` says otherwise."""
    from pipelines.runners.beam_options import LOCAL_BEAM_ARGS

    found = " ".join(option.removeprefix("--") for option in LOCAL_BEAM_ARGS)
    return Check("beam", "ok", found, "--beam OPTION=VALUE adds to these or replaces them")
