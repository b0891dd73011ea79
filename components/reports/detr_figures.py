"""DETR's part of a report."""

from __future__ import annotations

from components.reports.content import PaperContent, PaperInputs


def paper_content(inputs: PaperInputs) -> PaperContent:
    """What the report of a DETR run shows."""
    raise NotImplementedError
