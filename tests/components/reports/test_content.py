"""Papers take part with one module."""

from __future__ import annotations

import pytest

from components.errors import ConfigError
from components.reports.content import find_paper_content


def test_paper_is_found_by_its_name() -> None:
    assert find_paper_content("siren").__module__ == "components.reports.siren_figures"


@pytest.mark.parametrize("paper", ["unknown", "../siren", "siren.x", ""])
def test_unknown_paper_lists_the_known_ones(paper: str) -> None:
    with pytest.raises(ConfigError, match="siren"):
        find_paper_content(paper)
