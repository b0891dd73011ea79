"""Artifacts whose files changed after they were written are withdrawn from the cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ml_metadata = pytest.importorskip("ml_metadata")
from ml_metadata.proto import metadata_store_pb2  # noqa: E402

from pipelines.runners.artifact_contents import record_contents, withdraw_damaged  # noqa: E402


def delete(artifact: Path) -> None:
    shutil.rmtree(artifact)


def truncate(artifact: Path) -> None:
    (artifact / "split" / "data").write_bytes(b"12")


def remove_a_file(artifact: Path) -> None:
    (artifact / "split" / "empty").unlink()


def add_a_file(artifact: Path) -> None:
    (artifact / "more").write_bytes(b"")


@pytest.fixture
def store() -> ml_metadata.MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    return ml_metadata.MetadataStore(config)


@pytest.fixture
def artifact(tmp_path: Path, store: ml_metadata.MetadataStore) -> Path:
    """An artifact of the pipeline `garden`, its contents recorded."""
    folder = tmp_path / "artifact"
    (folder / "split").mkdir(parents=True)
    (folder / "split" / "data").write_bytes(b"12345")
    (folder / "split" / "empty").write_bytes(b"")
    proto = metadata_store_pb2.Artifact(
        type_id=store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Examples")),
        uri=str(folder),
        state=metadata_store_pb2.Artifact.LIVE,
    )
    [proto.id] = store.put_artifacts([proto])
    pipeline = metadata_store_pb2.Context(
        type_id=store.put_context_type(metadata_store_pb2.ContextType(name="pipeline")),
        name="garden",
    )
    [context_id] = store.put_contexts([pipeline])
    attribution = metadata_store_pb2.Attribution(artifact_id=proto.id, context_id=context_id)
    store.put_attributions_and_associations([attribution], [])
    record_contents(store, [proto])
    return folder


def is_live(store: ml_metadata.MetadataStore) -> bool:
    [found] = store.get_artifacts()
    return bool(found.state == metadata_store_pb2.Artifact.LIVE)


def test_an_untouched_artifact_stays(store: ml_metadata.MetadataStore, artifact: Path) -> None:
    assert withdraw_damaged(store, "garden") == []
    assert is_live(store)


@pytest.mark.parametrize("harm", [delete, truncate, remove_a_file, add_a_file])
def test_a_damaged_artifact_is_withdrawn_and_named(
    store: ml_metadata.MetadataStore, artifact: Path, harm: Callable[[Path], None]
) -> None:
    harm(artifact)
    [sentence] = withdraw_damaged(store, "garden")
    assert str(artifact) in sentence
    assert not is_live(store)


def test_a_deleted_pushed_copy_counts_as_damage(
    store: ml_metadata.MetadataStore, artifact: Path, tmp_path: Path
) -> None:
    [proto] = store.get_artifacts()
    proto.custom_properties["pushed_destination"].string_value = str(tmp_path / "gone")
    store.put_artifacts([proto])
    [sentence] = withdraw_damaged(store, "garden")
    assert str(tmp_path / "gone") in sentence


def test_another_pipelines_artifacts_are_left_alone(
    store: ml_metadata.MetadataStore, artifact: Path
) -> None:
    delete(artifact)
    assert withdraw_damaged(store, "another") == []
    assert is_live(store)
