"""Schedules: Kubeflow reads five fields as something else, so they never reach it."""

from __future__ import annotations

import pytest

from components.errors import ConfigError
from pipelines.runners.kubeflow_schedule import parse_schedule


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("0 3 * * 1", "0 0 3 * * 1"),
        ("*/15 * * * *", "0 */15 * * * *"),
        ("30 0 3 * * MON-FRI", "30 0 3 * * MON-FRI"),
        ("  0  0 9 ? jan,JUL 2-6/2 ", "0 0 9 ? jan,JUL 2-6/2"),
        ("0 0 29 2 *", "0 0 0 29 2 *"),
        ("0 0 31 2 MON", "0 0 0 31 2 MON"),
        ("0 5/10 * * * *", "0 5/10 * * * *"),
        ("@daily", "@daily"),
    ],
)
def test_five_fields_get_their_second_and_six_stay(given: str, sent: str) -> None:
    assert parse_schedule(given) == sent


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "no cron expression"),
        ("daily", "no cron expression"),
        ("@sometimes", "no cron expression"),
        ("* * * *", "no cron expression"),
        ("0 0 3 * * 1 2027", "no cron expression"),
        ("60 3 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 3 0 * *", "day of the month"),
        ("0 3 * 13 *", "month"),
        ("0 3 * * 7", "day of the week"),
        ("0 3 * * MON-", "day of the week"),
        ("0 3 * * FRI-MON", "day of the week"),
        ("0 3 * * L", "day of the week"),
        ("*/0 3 * * *", "minute"),
        ("1-*/2 3 * * *", "minute"),
        ("*-5 3 * * *", "minute"),
        ("1,,2 3 * * *", "minute"),
        ("٣ 3 * * *", "minute"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6 ?", "never comes"),
    ],
)
def test_what_kubeflow_would_refuse_is_refused_with_the_field_named(given: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_schedule(given)
