"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project_dir() -> Path:
    """The project's root."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of parity fixtures and real data beside the project; tests skip without it."""
    path = PROJECT.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"the reference data are not at {path}")
    return path
