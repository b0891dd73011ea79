"""What `TF_CONFIG` says of a worker."""

import json

import pytest

from components.errors import ConfigError
from components.trainers.worker_task import read_worker_task

WORKERS = {"worker": ["a:1", "b:1"]}
WITH_CHIEF = {"worker": ["b:1", "c:1"], "chief": ["a:1"]}


def tf_config(cluster, job, index):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})}


@pytest.mark.parametrize(
    ("cluster", "job", "index", "leads"),
    [
        (WORKERS, "worker", 0, True),
        (WORKERS, "worker", 1, False),
        (WITH_CHIEF, "chief", 0, True),
        (WITH_CHIEF, "worker", 0, False),
    ],
)
def test_who_leads(cluster, job, index, leads):
    task = read_worker_task(tf_config(cluster, job, index))
    assert (task.job, task.index, task.leads) == (job, index, leads)
    assert task.addresses[0] == "a:1"
    assert len(task.addresses) == sum(map(len, cluster.values()))


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": " "}, tf_config({}, "worker", 0)])
def test_no_cluster_is_no_group(environment):
    assert read_worker_task(environment) is None


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"TF_CONFIG": "{"}, "cannot be read"),
        ({"TF_CONFIG": "[]"}, "cannot be read"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'}, "cannot be read"),
        (tf_config(WORKERS, "worker", 2), "worker 2"),
        (tf_config(WORKERS, "chief", 0), "chief 0"),
        (tf_config(WORKERS | {"ps": ["p:1"]}, "worker", 0), "found:    ps"),
    ],
)
def test_what_is_wrong_is_named(environment, told):
    with pytest.raises(ConfigError, match="TF_CONFIG") as caught:
        read_worker_task(environment)
    assert told in str(caught.value)
