"""Fingerprints follow names and contents, not times and places."""

import os

from components.example_gens.fingerprints import (
    fingerprint_of_contents,
    fingerprint_of_names_and_sizes,
)


def test_touching_a_file_changes_nothing(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = fingerprint_of_contents([("a", str(path))])
    os.utime(path, (0, 0))
    assert fingerprint_of_contents([("a", str(path))]) == before


def test_a_copy_elsewhere_is_the_same_data(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").write_bytes(b"1")
    one, two = (fingerprint_of_contents([("a", str(tmp_path / f / "a"))]) for f in ("x", "y"))
    assert one == two


def test_a_byte_or_a_name_changes_it(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = fingerprint_of_contents([("a", str(path))])
    assert fingerprint_of_contents([("b", str(path))]) != before
    path.write_bytes(b"2")
    assert fingerprint_of_contents([("a", str(path))]) != before


def test_sizes_count_where_contents_do_not(tmp_path):
    path = tmp_path / "annotations.json"
    path.write_bytes(b"[]")
    annotations = [("annotations.json", str(path))]
    before = fingerprint_of_names_and_sizes(annotations, [("b", 2), ("a", 1)])
    assert fingerprint_of_names_and_sizes(annotations, [("a", 1), ("b", 2)]) == before
    assert fingerprint_of_names_and_sizes(annotations, [("a", 1), ("b", 3)]) != before
    path.write_bytes(b"[ ]")
    assert fingerprint_of_names_and_sizes(annotations, [("a", 1), ("b", 2)]) != before
