"""The digest changes with the code a node runs, and with nothing else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from pipelines import code_digest as module


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of ours: `node` imports `inner` within a function; `other` stands alone."""
    root = tmp_path / "garden"
    root.mkdir()
    (root / "__init__.py").write_text("raise RuntimeError('a digest must not import')\n")
    (root / "node.py").write_text("def run():\n    from garden.inner import weight\n")
    (root / "inner.py").write_text("weight = 1\n")
    (root / "other.py").write_text("weight = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "OUR_PACKAGES", ("garden",))
    return root


def digest(*names: str, files: tuple[Path, ...] = ()) -> str:
    for function in (module._path, module._source, module._imports):
        function.cache_clear()
    importlib.invalidate_caches()
    return module.code_digest(*names, files=files)


def test_editing_an_imported_module_changes_the_digest(package: Path) -> None:
    before = digest("garden.node")
    (package / "inner.py").write_text("weight = 2\n")
    assert digest("garden.node") != before


def test_editing_an_unrelated_module_does_not(package: Path) -> None:
    before = digest("garden.node")
    (package / "other.py").write_text("weight = 2\n")
    assert digest("garden.node") == before


def test_nothing_is_imported(package: Path) -> None:
    digest("garden.node")
    assert "garden" not in sys.modules


def test_a_file_counts_by_its_contents(tmp_path: Path, package: Path) -> None:
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("one")
    before = digest(files=(schema,))
    schema.write_text("two")
    assert digest(files=(schema,)) != before


def test_a_missing_module_is_named(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"garden\.nothing"):
        digest("garden.nothing")
