"""Large JSON in pieces: the elements and their places, wherever the pieces are cut."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import DataError
from components.example_gens import json_elements
from components.example_gens.json_elements import iterate_elements

CONTENT = {
    "info": {"year": 2017, "text": 'with "quotes", {braces} and [brackets]'},
    "version": 12.5,
    "images": [{"id": 1, "name": "é"}, {"id": 22}],
    "annotations": [{"bbox": [1.5, -2, 3e2, 4]}, [], 17, None, "end"],
    "empty": [],
    "last": True,
}


def elements(text, arrays=("images", "annotations", "empty")):
    content = text if isinstance(text, bytes) else text.encode()
    return list(iterate_elements(io.BytesIO(content), "a.json", arrays, "fetch it"))


@pytest.fixture(params=[1, 7, 2**22])
def chunk(request, monkeypatch):
    monkeypatch.setattr(json_elements, "_CHUNK_BYTES", request.param)


@pytest.mark.parametrize("indent", [None, 2])
def test_every_element_comes_with_its_place(chunk, indent):
    content = json.dumps(CONTENT, indent=indent, ensure_ascii=False).encode()
    found = elements(content)
    assert [one.name for one in found] == [
        "info", "version", *["images"] * 2, *["annotations"] * 5, "last"
    ]  # fmt: skip
    wanted = [CONTENT["info"], 12.5, *CONTENT["images"], *CONTENT["annotations"], True]
    for one, value in zip(found, wanted, strict=True):
        start, length = one.span
        assert json.loads(content[start : start + length]) == value


@settings(max_examples=50, deadline=None)
@given(
    content=st.dictionaries(
        st.text(max_size=4),
        st.lists(
            st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists), max_size=4
        ),
        max_size=4,
    ),
    size=st.integers(1, 9),
)
def test_any_object_is_read_as_json_reads_it(content, size):
    before = json_elements._CHUNK_BYTES
    json_elements._CHUNK_BYTES = size
    try:
        text = json.dumps(content).encode()
        found = elements(text, list(content))
    finally:
        json_elements._CHUNK_BYTES = before
    assert [one.value for one in found] == [item for items in content.values() for item in items]
    for one in found:
        assert json.loads(text[one.span.start : sum(one.span)]) == one.value


def test_file_cut_anywhere_is_truncated(chunk):
    content = json.dumps(CONTENT)
    for end in range(1, len(content)):
        with pytest.raises(DataError, match=r"a.json is (truncated|damaged) at byte") as caught:
            elements(content[:end])
        assert caught.value.fix == "fetch it"


@pytest.mark.parametrize(
    ("text", "message", "found"),
    [
        ("", "not a JSON object", "empty file"),
        ("<html><title>Log in</title>", "not a JSON object", "HTML page"),
        ("[1, 2]", "not a JSON object", "text beginning with"),
        ('{"images": 3}', "damaged at byte 11", "'3}'"),
        ('{"images": [1 2]}', "damaged at byte 14", "'2]}'"),
        ('{"a": 1} {"b": 2}', "damaged at byte 9", ""),
        ('{"a": 1, }', "damaged at byte 9", "'}'"),
        ("{1: 2}", "damaged at byte", ""),
        ('{"a": nil' + " " * 50 + "}", "damaged at byte 6", "nil"),
    ],
)
def test_damage_is_named_with_its_place(text, message, found):
    with pytest.raises(DataError, match=message) as caught:
        elements(text)
    assert found in str(caught.value.found)


def test_byte_order_mark_is_passed_over():
    assert elements(b'\xef\xbb\xbf{"a": 1}')[0].value == 1
