"""`papergarden data make`: a generated set in an official layout, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import cli
from pipelines.datasets import recognise


def make(folder: Path, *words: str) -> int:
    return cli.main(["data", "make", "cub", "--to", str(folder), *words])


def test_generated_birds_are_made_checked_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("--images", "6", "--classes", "2")
    assert make(tmp_path, *small) == 0
    said = capsys.readouterr().out
    data_root = tmp_path / "generated-cub"
    assert recognise(str(data_root)) == "cub"
    assert "sound: every record can be used" in said
    assert "2 of 200 classes" in said
    written = {path: path.stat().st_mtime_ns for path in data_root.rglob("*.jpg")}
    assert len(written) == 6
    assert make(tmp_path, *small) == 0
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_generated_scenes_are_made_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["data", "make", "coco-panoptic", "--to", str(tmp_path), "--images", "4"]) == 0
    assert recognise(str(tmp_path / "generated-coco-panoptic")) == "coco-panoptic"
    said = capsys.readouterr().out
    assert "train     3 records; officially 118,287" in said
    assert "sound: every record can be used" in said


def test_another_seed_into_the_same_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("--images", "4", "--classes", "2")
    assert make(tmp_path, *small) == 0
    assert make(tmp_path, *small, "--seed", "1") != 0
    assert "generated-cub" in capsys.readouterr().err


def test_what_cannot_be_made_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "make", "imagenet"]) != 0
    assert "cub" in capsys.readouterr().err
