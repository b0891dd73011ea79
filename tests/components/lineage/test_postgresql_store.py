"""Backslashes on their way into a PostgreSQL store and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ml_metadata", reason="needs the `pipelines` extra")

from ml_metadata.proto import metadata_store_service_pb2

from components.lineage.postgresql_store import _rewrite, original_text, stored_text

SPECIAL = "\\＼␛"


@given(st.text(st.sampled_from(f"{SPECIAL}a'")) | st.text())
def test_every_text_comes_back(text: str) -> None:
    assert "\\" not in stored_text(text)
    assert original_text(stored_text(text)) == text


def test_text_without_backslashes_stays_as_it_is() -> None:
    assert stored_text('{"a": "größer"}') == '{"a": "größer"}'
    assert stored_text("C:\\data") == "C:＼data"


def test_every_string_of_a_message_is_changed() -> None:
    request = metadata_store_service_pb2.PutExecutionRequest()
    request.execution.name = "name\\"
    request.execution.properties["property"].string_value = "value\\"
    context = request.contexts.add(name="context\\")
    context.custom_properties["free"].struct_value.update({"a": "b\\", "list": ["c\\", 1, True]})
    request.artifact_event_pairs.add().event.path.steps.add(key="key\\")
    before = type(request).FromString(request.SerializeToString())
    _rewrite(request, stored_text)
    assert b"\\" not in request.SerializeToString()
    assert request.SerializeToString().count("＼".encode()) == 6
    _rewrite(request, original_text)
    assert request == before
    uris = metadata_store_service_pb2.GetArtifactsByURIRequest(uris=["a\\", "b"])
    _rewrite(uris, stored_text)
    assert list(uris.uris) == ["a＼", "b"]
