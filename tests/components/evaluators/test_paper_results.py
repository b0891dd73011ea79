from components.evaluators.benchmark_metrics import BENCHMARK_METRICS
from components.evaluators.paper_results import PAPER_RESULTS, paper_results


def test_what_is_quoted_from_memory_is_not_called_verified():
    for results in PAPER_RESULTS.values():
        for result in results:
            assert result.verified == ("memory" not in result.source)


def test_every_metric_is_one_that_a_run_can_measure():
    for results in PAPER_RESULTS.values():
        assert {result.metric for result in results} <= set(BENCHMARK_METRICS)


def test_the_measured_anchor_ends_at_35_decibels():
    anchor = [row for row in paper_results("siren", "image") if row.verified]
    assert [row.value for row in anchor if "500 steps" in row.item] == [35.67, 0.00108]


def test_only_bn_is_compared_data_set_by_data_set():
    shares = {
        (row.task, row.metric, row.item): row.value
        for row in PAPER_RESULTS["only_bn"]
        if row.source.startswith("paper") and row.verified
    }
    assert shares == {
        ("cifar10", "top_1", "ResNet-866"): 0.82,
        ("imagenet", "top_5", "ResNet-200"): 0.32,
    }
    others = [row for row in paper_results("only_bn", "cifar10") if "Vishal-V" in row.source]
    assert [row.value for row in others] == sorted(row.value for row in others)
    assert ["diverged" in row.protocol for row in others] == [False] * 4 + [True] * 3
    assert paper_results("only_bn", "tiny_imagenet") == ()
    assert all(0.0 < row.value < 1.0 for row in PAPER_RESULTS["only_bn"])


def test_finegan_is_compared_with_the_paper_and_with_those_who_measured_it():
    cub = paper_results("finegan", "cub")
    papers = {row.metric: row.value for row in cub if row.source.startswith("paper")}
    assert papers == {
        "inception_score": 52.53,
        "fid": 11.25,
        "cluster_nmi": 0.403,
        "cluster_accuracy": 0.126,
    }
    released = {(row.metric, row.value): row for row in cub if "released" in row.item}
    assert set(released) == {("inception_score", 43.20), ("fid", 22.08), ("fid", 18.79)}
    for row in released.values():
        assert "kkanshul/finegan#" in row.source
    # What a substitute for Inception measures must not stand beside these.
    assert {row.metric for row in PAPER_RESULTS["finegan"]} == set(papers)
    assert len(paper_results("finegan", "stanford_dogs")) == 4
    assert len(paper_results("finegan", "stanford_cars")) == 4


def test_detr_is_compared_task_by_task():
    detection = {(row.item, row.metric): row.value for row in paper_results("detr", "detection")}
    assert detection["DETR-R50", "ap"] == 0.42
    assert detection["DETR-DC5-R101", "ap_50"] == 0.647
    panoptic = {(row.item, row.metric): row.value for row in paper_results("detr", "panoptic")}
    assert panoptic["DETR-R50", "pq"] == 0.434
    assert panoptic["DETR-R101", "mask_ap"] == 0.33
    assert (len(detection), len(panoptic)) == (10, 9)
    assert all(0.0 < row.value < 1.0 for row in PAPER_RESULTS["detr"])


def test_a_task_without_results_has_none():
    assert paper_results("siren", "video") == ()
    assert paper_results("unknown", "image") == ()
