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


def test_a_task_without_results_has_none():
    assert paper_results("siren", "video") == ()
    assert paper_results("unknown", "image") == ()
