"""The restricted reader: official pickles are read, pickles that carry code are refused unrun."""

import os
import pickle
import re

import numpy as np
import pytest

from components.errors import DataError
from components.example_gens.cifar_pickle import MAX_BYTES, unpickle_batch

DATA = np.arange(2 * 3072, dtype=np.int64).astype(np.uint8).reshape(2, 3072)


def python2_batch() -> bytes:
    """What Python 2 writes: byte strings throughout, and numpy's old module names."""

    def text(value: bytes) -> bytes:
        return b"T" + len(value).to_bytes(4, "little") + value

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01(K\x02M\x00\x0ctcnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + text(DATA.tobytes())
        + b"tb"
    )
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels](K\x03K\x07eu."


def test_batches_of_python_2_are_read():
    read = unpickle_batch("b", python2_batch())
    np.testing.assert_array_equal(read["data"], DATA)
    assert read["labels"] == [3, 7]
    # Python's own reader agrees that this is such a pickle.
    np.testing.assert_array_equal(pickle.loads(python2_batch(), encoding="bytes")[b"data"], DATA)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_batches_of_python_3_are_read(protocol, order):
    content = pickle.dumps(
        {b"data": np.asarray(DATA, order=order), b"labels": [1, 2]}, protocol=protocol
    )
    np.testing.assert_array_equal(unpickle_batch("b", content)["data"], DATA)


class _Code:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("function", "named"),
    [(os.mkdir, r"(posix|nt)\.mkdir"), (eval, r"(builtins|__builtin__)\.eval")],
)
def test_pickle_that_carries_code_is_refused_unrun(tmp_path, protocol, function, named):
    target = tmp_path / "made_by_the_pickle"
    argument = str(target) if function is os.mkdir else f"__import__('os').mkdir({str(target)!r})"
    content = pickle.dumps({"data": _Code(function, argument)}, protocol=protocol)
    with pytest.raises(DataError, match="the pickle carries code") as caught:
        unpickle_batch("bad_batch", content)
    assert not target.exists()
    assert "bad_batch" in caught.value.what
    assert re.search(named, str(caught.value.found))


@pytest.mark.parametrize(
    "content",
    [
        b"cnumpy\nload\n(U\x01xtR.",
        b"cnumpy.core.multiarray\nfromfile\n(U\x01xtR.",
        b"c_codecs\nlookup\n(U\x01xtR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
        b"(ios\nsystem\n.",
    ],
)
def test_other_names_of_allowed_modules_are_refused(content):
    with pytest.raises(DataError, match="carries code"):
        unpickle_batch("b", content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(python2_batch()[:-900], id="truncated"),
        pytest.param(pickle.dumps([1, 2]), id="no dictionary"),
        pytest.param(pickle.dumps({"data": np.zeros(3)}, protocol=2), id="array of floats"),
        pytest.param(
            pickle.dumps({"data": np.array([{}], object)}, protocol=2), id="array of objects"
        ),
        pytest.param(b"cnumpy\ndtype\n}U\x08__call__K\x01sb.", id="changes a constructor"),
        pytest.param(b"cnumpy\ndtype\n(N}U\x06_buildcnumpy\nndarray\nstb.", id="replaces its call"),
        pytest.param(b"cnumpy\nndarray\n)R.", id="calls ndarray"),
        pytest.param(b"}U\x01aU\x01pQs.", id="persistent id"),
        pytest.param(b"\x80\x02\x82\x01.", id="extension code"),
        pytest.param(pickle.dumps({"a": 1.5}), id="a float"),
    ],
)
def test_damaged_and_forged_pickles_are_refused(content):
    with pytest.raises(DataError, match="not a whole python batch") as caught:
        unpickle_batch("b", content)
    assert caught.value.found
    # What was read before does not touch what is read next.
    np.testing.assert_array_equal(unpickle_batch("b", python2_batch())["data"], DATA)


def test_huge_files_are_not_unpickled():
    with pytest.raises(DataError, match="too large"):
        unpickle_batch("b", bytes(MAX_BYTES + 1))
