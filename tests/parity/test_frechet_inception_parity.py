"""Fréchet distance and Inception score against the TTUR formula and the authors' script.

The reference's root of the matrices is `scipy.linalg.sqrtm`. Where the covariances lack ranks it is
itself off by 2e-8: the distance is then also taken from the centred features, without covariances,
which agrees with ours to 1e-12.
"""

import json

import numpy as np
import pytest

from components.evaluators.frechet_distance import FeatureMoments, frechet_distance
from components.evaluators.inception_score import contiguous_splits, inception_score

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def reference(shared_dir):
    folder = shared_dir / "parity"
    with np.load(folder / "fid_is.npz") as arrays:
        return dict(arrays), json.loads((folder / "fid_is.json").read_text())


def moments(features, parts):
    merged = FeatureMoments()
    for part in np.array_split(features, parts):
        merged = merged.merge(FeatureMoments.of(part))
    return merged


@pytest.mark.parametrize("parts", [1, 7])
def test_frechet_distance(reference, parts):
    arrays, expected = reference
    first, second = (moments(arrays[name], parts) for name in ("feat_a", "feat_b"))
    assert frechet_distance(first, second) == pytest.approx(expected["fid(a,b)"], rel=1e-11)
    # The reference's own value, -7e-11, is its rounding; the distance is 0.
    assert frechet_distance(first, first) == pytest.approx(expected["fid(a,a)"], abs=1e-9)


@pytest.mark.parametrize("parts", [1, 7])
def test_frechet_distance_of_rank_deficient_covariances(reference, parts):
    arrays, expected = reference
    sets = arrays["feat_c_rankdef"], arrays["feat_d_rankdef"]
    found = frechet_distance(*(moments(one, parts) for one in sets))
    assert found == pytest.approx(expected["fid(c,d) rank-deficient"], rel=1e-7)
    centred = [(one - one.mean(0)) / np.sqrt(len(one) - 1) for one in sets]
    nuclear = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    exact = np.sum((sets[0].mean(0) - sets[1].mean(0)) ** 2) - 2 * nuclear
    exact += sum(np.sum(one**2) for one in centred)
    assert found == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "splits", "key"),
    [
        ("probs", 10, "is(probs) mean,std 10 splits"),
        ("probs", 1, "is(probs) 1 split"),
        ("probs_uniform", 1, "is(uniform)"),
        ("probs_onehot", 10, "is(onehot) 10 splits"),
    ],
)
def test_inception_score(reference, name, splits, key):
    arrays, expected = reference
    found = inception_score(contiguous_splits(arrays[name], splits))
    assert found == pytest.approx(expected[key], rel=1e-12, abs=1e-12)
