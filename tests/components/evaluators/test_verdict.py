import json
import math

import pytest

from components.evaluators.verdict import Bound, judge


def judged(bounds, metrics, baseline=None, *, blessed=True, decided=False):
    return judge(
        blessed=blessed,
        decided=decided,
        bounds=bounds,
        metrics=metrics,
        baseline_metrics=baseline,
        baseline_name="the blessed model of run X",
    )


def test_a_blessing_says_what_was_required():
    verdict = judged([Bound("psnr", minimum=30.0)], {"psnr": 31.42})
    assert verdict.blessed
    assert verdict.reasons == [
        "psnr 31.42 dB >= 30 required",
        "there is no earlier blessed model to compare with",
    ]
    assert verdict.baseline_metrics is None


def test_a_refusal_says_what_failed_first():
    verdict = judged(
        [Bound("ssim", minimum=0.5), Bound("psnr", minimum=30.0), Bound("mse", maximum=0.001)],
        {"psnr": 28.1, "ssim": 0.9, "mse": 0.006},
        blessed=False,
        decided=True,
    )
    assert not verdict.blessed
    assert verdict.reasons[:3] == [
        "psnr 28.1 dB < 30 required",
        "mse 0.006 > 0.001 required",
        "ssim 0.9 >= 0.5 required",
    ]


def test_a_fall_against_the_baseline():
    bounds = [Bound("psnr", smallest_change=-0.2)]
    verdict = judged(bounds, {"psnr": 30.0}, {"psnr": 30.8}, blessed=False, decided=True)
    assert verdict.reasons == [
        "psnr fell by 0.8 dB against the blessed model of run X, a fall of 0.2 is allowed"
    ]
    assert verdict.baseline_metrics == {"psnr": 30.8}


def test_an_allowed_rise_and_no_change():
    bounds = [Bound("mse", largest_change=0.1), Bound("psnr", smallest_change=0.0)]
    verdict = judged(bounds, {"mse": 0.3, "psnr": 9.0}, {"mse": 0.25, "psnr": 9.0})
    assert verdict.reasons == [
        "mse rose by 0.05 against the blessed model of run X, a rise of 0.1 is allowed",
        "psnr did not change against the blessed model of run X, a fall of 0 is allowed",
    ]


def test_a_near_miss_does_not_read_like_a_hit():
    verdict = judged([Bound("psnr", minimum=30.0)], {"psnr": 29.99996}, blessed=False, decided=True)
    assert verdict.reasons[0] == "psnr 29.99996 dB < 30 required"


def test_not_a_number_and_not_measured():
    bounds = [Bound("psnr", minimum=30.0), Bound("ssim")]
    verdict = judged(bounds, {"psnr": math.nan}, blessed=False, decided=True)
    assert verdict.reasons[:2] == ["psnr is not a number", "ssim was not measured"]


def test_a_baseline_that_is_not_a_number_is_named():
    bounds = [Bound("psnr", minimum=1.0, smallest_change=-0.2)]
    verdict = judged(bounds, {"psnr": 9.0}, {"psnr": math.nan}, blessed=False, decided=True)
    assert verdict.reasons[0] == "psnr of the blessed model of run X is not a number"


@pytest.mark.parametrize(
    ("decided", "reason"),
    [(False, "left no verdict"), (True, "without a requirement that failed")],
)
def test_no_refusal_is_without_a_reason(decided, reason):
    verdict = judged([], {"psnr": 31.0}, {"psnr": 31.0}, blessed=False, decided=decided)
    assert reason in verdict.reasons[0]


def test_json_is_strict():
    verdict = judged([], {"psnr": math.inf, "ssim": math.nan, "mse": 0.5}, {"psnr": -math.inf})
    written = json.loads(json.dumps(verdict.as_json(), allow_nan=False))
    assert written["metrics"] == {"psnr": "inf", "ssim": "nan", "mse": 0.5}
    assert written["baseline_metrics"] == {"psnr": "-inf"}
    assert written["blessed"] is True
