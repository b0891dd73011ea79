import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import DataError
from components.evaluators.frechet_distance import (
    FeatureMoments,
    frechet_distance,
    gaussian_frechet_distance,
    small_sample_warning,
)


def drawn(seed, images, dimensions):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(dimensions, dimensions))
    return generator.normal(size=(images, dimensions)) @ mixing + generator.normal(size=dimensions)


def by_the_data(first, second):
    """The distance without any covariance or root: singular values of the centred data itself."""
    centred = [(one - one.mean(0)) / np.sqrt(len(one) - 1) for one in (first, second)]
    nuclear = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    squares = sum(float(np.sum(one**2)) for one in centred)
    return float(np.sum((first.mean(0) - second.mean(0)) ** 2)) + squares - 2 * nuclear


@pytest.mark.parametrize(
    ("first", "second"), [(30, 40), (9, 40), (5, 7), (2, 2)], ids=["full", "lacks", "both", "two"]
)
def test_equals_the_distance_from_the_data_whatever_the_ranks(first, second):
    sets = drawn(1, first, 12), drawn(2, second, 12)
    found = frechet_distance(*(FeatureMoments.of(one) for one in sets))
    assert found == pytest.approx(by_the_data(*sets), rel=1e-11)


def test_one_dimension_by_hand():
    # (m1 - m2)^2 + (s1 - s2)^2
    found = gaussian_frechet_distance(
        np.array([1.0]), np.array([[4.0]]), np.array([3.0]), np.array([[25.0]])
    )
    assert found == pytest.approx(4.0 + 9.0, rel=1e-14)


def test_a_covariance_of_nothing_is_a_point():
    point, spread = np.zeros((3, 3)), np.diag([1.0, 2.0, 3.0])
    found = gaussian_frechet_distance(np.zeros(3), point, np.ones(3), spread)
    assert found == pytest.approx(3.0 + 6.0, rel=1e-14)


def test_the_same_images_are_at_distance_0_even_with_missing_ranks():
    for images in (5, 50):
        moments = FeatureMoments.of(drawn(3, images, 16))
        assert frechet_distance(moments, moments) < 1e-11 * np.trace(moments.gaussian()[1])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 20), max_size=3), st.randoms(use_true_random=False))
def test_bundles_and_their_order_have_no_say(cuts, random):
    # Far from 0, where sums of squares would lose the variance.
    features = drawn(4, 20, 5) + 1e6
    parts = np.split(features, sorted(cuts))
    random.shuffle(parts)
    merged = FeatureMoments()
    for part in parts:
        merged = merged.merge(FeatureMoments.of(part))
    mean, covariance = merged.gaussian()
    assert merged.count == 20
    np.testing.assert_allclose(mean, features.mean(0), rtol=1e-14)
    np.testing.assert_allclose(covariance, np.cov(features.T), rtol=1e-7, atol=1e-8)


def test_float32_features_are_summed_in_float64():
    features = (drawn(5, 200, 3) + 1000.0).astype(np.float32)
    _, covariance = FeatureMoments.of(features).gaussian()
    np.testing.assert_allclose(covariance, np.cov(features.astype(np.float64).T), rtol=1e-12)


@pytest.mark.parametrize("images", [0, 1])
def test_too_few_images_are_an_error(images):
    enough = FeatureMoments.of(drawn(6, 4, 3))
    with pytest.raises(DataError, match=rf"too few images[\s\S]*found: +{images}\n"):
        frechet_distance(enough, FeatureMoments.of(np.zeros((images, 3))))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_an_error(value):
    features = drawn(7, 6, 3)
    features[2, 1] = value
    with np.errstate(invalid="ignore"):
        broken = FeatureMoments.of(features)
    assert not broken.is_finite
    with pytest.raises(DataError, match="not finite"):
        frechet_distance(FeatureMoments.of(drawn(6, 4, 3)), broken)


def test_features_of_different_networks_do_not_mix():
    narrow, wide = (FeatureMoments.of(drawn(8, 6, size)) for size in (3, 4))
    with pytest.raises(DataError, match="4 dimensions"):
        narrow.merge(wide)
    with pytest.raises(DataError, match="do not belong together"):
        frechet_distance(narrow, wide)
    with pytest.raises(DataError, match=r"\[images, dimensions\]"):
        FeatureMoments.of(np.zeros(3))


def test_few_images_for_the_features_are_told():
    assert "lacks ranks" in small_sample_warning(224, 224)
    assert small_sample_warning(225, 224) == ""
