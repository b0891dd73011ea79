"""Upstream's own client against Kubeflow's published API, and everything that can come between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kfp", reason="needs the `pipelines` extra")

from compiled_run import read_documents
from kfp_http import serve
from kfp_server import Fault, KubeflowServer, Look
from swagger import Swagger

from components.errors import ConfigError
from pipelines.runners.kubeflow_endpoint import Endpoint
from pipelines.runners.kubeflow_errors import EndpointError
from pipelines.runners.kubeflow_patience import Patience
from pipelines.runners.kubeflow_service import KubeflowService

# Long, for a machine that has other work; short for an answer that never comes.
PATIENCE = Patience(connection=30.0, answer=30.0, between_tries=(0.0, 0.0))
ONE_TRY = replace(PATIENCE, between_tries=())
HASTE = replace(PATIENCE, answer=0.3)
TOKEN = "a-token-that-is-secret"


@pytest.fixture
def compiled(project_dir: Path) -> Path:
    return project_dir / "kfp" / "compiled" / "siren_pipeline.yaml"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def connect(kubeflow: KubeflowServer, said: list[str]) -> Callable[..., KubeflowService]:
    def connect(patience: Patience = PATIENCE, **values: Any) -> KubeflowService:
        return KubeflowService(Endpoint(kubeflow.url, **values), patience, said.append)

    return connect


def requests_of(server: KubeflowServer) -> list[tuple[str, str]]:
    return [(one.method, one.path.rpartition("v2beta1/")[2]) for one in server.asked]


# What is sent.


def test_a_run_is_submitted_with_its_pipeline_and_its_parameters(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], compiled: Path
) -> None:
    service = connect()
    experiment = service.find_or_create_experiment("siren")
    run_id = service.submit(compiled, experiment, "siren-1", {"preset": "paper"})
    assert requests_of(kubeflow) == [
        ("GET", "healthz"),
        ("GET", "experiments"),
        ("POST", "experiments"),
        ("POST", "runs"),
    ]
    body = kubeflow.asked[-1].body
    specification, executors = read_documents(compiled)
    platform = body["pipeline_spec"]["platform_spec"]
    assert body["pipeline_spec"]["pipeline_spec"] == specification
    assert platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"] == executors
    assert body["experiment_id"] == kubeflow.experiments[0]["experiment_id"]
    assert body["display_name"] == "siren-1"
    assert body["runtime_config"] == {"parameters": {"preset": "paper"}}
    assert run_id == kubeflow.runs[0]["run_id"]


def test_an_experiment_is_made_once(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    first = connect().find_or_create_experiment("siren")
    assert connect().find_or_create_experiment("siren") == first
    assert [one["display_name"] for one in kubeflow.experiments] == ["siren"]


def test_a_recurring_run_runs_one_at_a_time_and_catches_nothing_up(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], compiled: Path
) -> None:
    service = connect()
    experiment = service.find_or_create_experiment("siren")
    identifier = service.schedule(compiled, experiment, "nightly", {}, "0 0 3 * * *")
    body = kubeflow.asked[-1].body
    assert kubeflow.asked[-1].path.endswith("/recurringruns")
    assert body["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * *"}}
    assert (body["max_concurrency"], body["no_catchup"], body["mode"]) == (1, True, "ENABLE")
    assert body["pipeline_spec"]["pipeline_spec"] == read_documents(compiled)[0]
    assert identifier == kubeflow.recurring_runs[0]["recurring_run_id"]


def test_the_endpoint_is_asked_for_its_state_once(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.multi_user = True
    assert connect(namespace="papers").namespace == "papers"
    assert requests_of(kubeflow) == [("GET", "healthz")]


# Who asks.


def test_a_token_is_sent_and_never_shown(
    kubeflow: KubeflowServer,
    connect: Callable[..., KubeflowService],
    said: list[str],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    kubeflow.token = TOKEN
    kubeflow.faults = [Fault("GET", "experiments", 500)]
    connect(existing_token=TOKEN).find_or_create_experiment("siren")
    assert {one.headers["authorization"] for one in kubeflow.asked} == {f"Bearer {TOKEN}"}
    shown = capsys.readouterr()
    assert said
    assert TOKEN not in shown.out + shown.err + caplog.text + "".join(said)


def test_a_token_from_a_file_is_read_again_for_each_request(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    service = connect(token_path=str(path))
    path.write_text("second\n")
    service.find_or_create_experiment("siren")
    sent = [one.headers["authorization"] for one in kubeflow.asked]
    assert sent == ["Bearer first", "Bearer second", "Bearer second"]


def test_a_session_is_sent(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.cookie = "authservice_session=abc"
    assert connect(cookies="authservice_session=abc").find_or_create_experiment("siren")


def test_without_credentials_the_sentence_says_how_to_sign_in(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.token = TOKEN
    with pytest.raises(EndpointError) as caught:
        connect()
    text = str(caught.value)
    assert "does not know who asks" in text
    assert kubeflow.url in text
    assert "401 Unauthorized: Unauthenticated" in text
    assert "--existing-token or KFP_EXISTING_TOKEN" in text
    assert len(kubeflow.asked) == 1


def test_a_refused_token_is_not_shown(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.token = "another"
    with pytest.raises(EndpointError, match="a token or session that is still valid") as caught:
        connect(existing_token=TOKEN)
    assert TOKEN not in str(caught.value)


def test_a_user_who_may_not_is_told_of_namespaces(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.faults = [Fault("GET", "experiments", 403)]
    with pytest.raises(EndpointError, match=r"does not allow it[^$]*--namespace"):
        connect().find_or_create_experiment("siren")


def test_an_endpoint_with_several_users_asks_for_a_namespace(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.multi_user = True
    with pytest.raises(ConfigError, match=r"several users[^$]*KFP_NAMESPACE"):
        connect().find_or_create_experiment("siren")
    connect(namespace="papers").find_or_create_experiment("siren")
    assert kubeflow.experiments[0]["namespace"] == "papers"


def test_an_endpoint_with_one_user_gets_no_namespace_and_that_is_said(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], said: list[str]
) -> None:
    connect(namespace="kubeflow").find_or_create_experiment("siren")
    assert all("namespace" not in one.query for one in kubeflow.asked)
    assert said == ["the endpoint has one user: the namespace kubeflow is not used"]


# What goes wrong.


def test_an_experiment_that_somebody_else_made_meanwhile_is_taken(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    theirs: list[str] = []
    kubeflow.faults = [
        Fault(
            "POST",
            "experiments",
            409,
            before=lambda: theirs.append(kubeflow.add_experiment("siren")["experiment_id"]),
        )
    ]
    assert [connect().find_or_create_experiment("siren")] == theirs


def test_an_experiment_that_is_there_for_others_alone_is_told(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.faults = [Fault("POST", "experiments", 409, times=9)]
    with pytest.raises(EndpointError, match=r"creating the experiment.*has one already"):
        connect().find_or_create_experiment("siren")


def test_an_archived_experiment_is_told_before_anything_is_submitted(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    kubeflow.add_experiment("siren", storage_state="ARCHIVED")
    with pytest.raises(ConfigError, match=r"siren is archived[^$]*--experiment"):
        connect().find_or_create_experiment("siren")


def test_a_failing_endpoint_is_asked_again_and_then_told(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], said: list[str]
) -> None:
    kubeflow.faults = [Fault("GET", "healthz", 500, times=2)]
    connect()
    assert len(said) == 1
    kubeflow.faults = [Fault("GET", "healthz", 500, times=99)]
    with pytest.raises(EndpointError) as caught:
        connect()
    assert kubeflow.faults[0].times == 99 - 1 - len(PATIENCE.between_tries)
    assert "500 Internal Server Error: Internal Server Error: the database" in str(caught.value)
    assert "kubectl logs" in str(caught.value)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("drop", "the connection broke off before an answer came"),
        ("hang", "no answer within 0.3 s"),
        ("page", 'a web page, "Log in to Dex"'),
        (404, "404 Not Found"),
    ],
)
def test_an_endpoint_that_does_not_answer_as_kubeflow_is_told_what_it_does(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], how: int | str, told: str
) -> None:
    kubeflow.faults = [Fault("GET", "healthz", how)]
    with pytest.raises(EndpointError) as caught:
        connect(replace(ONE_TRY, answer=0.3) if how == "hang" else ONE_TRY)
    assert told in str(caught.value)
    assert f"reading the state: {kubeflow.url}" in str(caught.value)
    assert caught.value.expected
    assert caught.value.fix


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1", "Connection refused"),
        ("http://no-such-host.invalid", "(not known|No address|failure|resolve)"),
    ],
)
def test_an_endpoint_that_is_not_there_is_told(
    no_kubeflow_settings: None, url: str, told: str
) -> None:
    with pytest.raises(EndpointError, match=f"cannot be reached[^$]*{told}[^$]*port-forward"):
        KubeflowService(Endpoint(url), ONE_TRY, lambda _: None)


@pytest.mark.parametrize("how", ["lose", "drop", "hang", 500, 503])
@pytest.mark.parametrize("kind", ["runs", "recurringruns"])
def test_whatever_becomes_of_the_answer_one_run_is_made(
    kubeflow: KubeflowServer,
    connect: Callable[..., KubeflowService],
    compiled: Path,
    how: int | str,
    kind: str,
) -> None:
    service = connect(HASTE if how == "hang" else PATIENCE)
    experiment = service.find_or_create_experiment("siren")
    # The list has pages, and others' runs.
    for index in range(3):
        kubeflow.add_run(f"other {index}", experiment_id=experiment)
    kubeflow.page_size = 2
    kubeflow.faults = [Fault("POST", kind, how)]
    if kind == "runs":
        made = [service.submit(compiled, experiment, "mine", {})]
    else:
        made = [service.schedule(compiled, experiment, "mine", {}, "@daily")]
    found = [
        one.get("run_id") or one.get("recurring_run_id")
        for one in kubeflow.runs + kubeflow.recurring_runs
        if one["display_name"] == "mine"
    ]
    assert found == made


def test_an_endpoint_that_stays_away_after_the_request_leaves_no_certainty(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], compiled: Path
) -> None:
    service = connect()
    experiment = service.find_or_create_experiment("siren")
    kubeflow.faults = [Fault("POST", "runs", "lose"), Fault("GET", "runs", "drop", times=99)]
    with pytest.raises(EndpointError, match=r"may have been created or not[^$]*look for it"):
        service.submit(compiled, experiment, "mine", {})


def test_a_request_that_kubeflow_refuses_is_told_in_its_words_and_not_repeated(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService], compiled: Path
) -> None:
    service = connect()
    experiment = service.find_or_create_experiment("siren")
    with pytest.raises(EndpointError, match=r"submitting the run[^$]*the parameter colour"):
        service.submit(compiled, experiment, "mine", {"colour": "red"})
    assert requests_of(kubeflow).count(("POST", "runs")) == 1


def test_a_run_that_is_not_there_is_told(
    kubeflow: KubeflowServer, connect: Callable[..., KubeflowService]
) -> None:
    with pytest.raises(EndpointError, match=r"reading the run[^$]*Run nowhere not found"):
        connect().read_run("nowhere")


def test_a_token_that_ends_while_a_run_is_read_is_got_anew(
    kubeflow: KubeflowServer,
    connect: Callable[..., KubeflowService],
    compiled: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Google's proxy is not here: what upstream's client gets from it is.
    tokens = iter(("first", "second"))
    monkeypatch.setattr("kfp.client.auth.get_auth_token", lambda *_: (next(tokens), False))
    kubeflow.token = "first"
    service = connect(iap_client_id="proxy")
    experiment = service.find_or_create_experiment("siren")
    run_id = service.submit(compiled, experiment, "mine", {})
    kubeflow.token = "second"
    kubeflow.story = [Look("RUNNING")]
    assert service.read_run(run_id).state == "RUNNING"


def test_credentials_that_cannot_be_got_are_told(
    kubeflow: KubeflowServer,
    connect: Callable[..., KubeflowService],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(EndpointError, match=r"cannot be set up[^$]*/nowhere/key.json"):
        connect(iap_client_id="proxy")


# TLS.


def certificate_of(folder: Path) -> Path:
    """A key and a certificate for this machine that nobody else has signed."""
    x509 = pytest.importorskip("cryptography.x509", reason="makes the certificate")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubeflow")])
    now = datetime.now(timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_self_signed_certificate_is_trusted_where_it_is_named(
    kubeflow_api: Swagger, no_kubeflow_settings: None, tmp_path: Path
) -> None:
    certificate = certificate_of(tmp_path)
    with serve(KubeflowServer(kubeflow_api), certificate) as server:
        assert server.url.startswith("https://")
        with pytest.raises(
            EndpointError, match=r"no secure connection[^$]*--ssl-ca-cert"
        ) as caught:
            KubeflowService(Endpoint(server.url), PATIENCE, lambda _: None)
        assert "certificate verify failed" in str(caught.value)
        assert not server.asked
        named = Endpoint(server.url, ssl_ca_cert=str(certificate))
        KubeflowService(named, PATIENCE, lambda _: None).find_or_create_experiment("siren")
        unchecked = Endpoint(server.url, verify_ssl=False)
        KubeflowService(unchecked, PATIENCE, lambda _: None)
        assert len(server.experiments) == 1


def test_plain_http_behind_https_is_told(kubeflow: KubeflowServer) -> None:
    url = kubeflow.url.replace("http://", "https://")
    with pytest.raises(EndpointError, match=r"no secure connection[^$]*try http://"):
        KubeflowService(Endpoint(url), ONE_TRY, lambda _: None)


# The server itself.


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "told"),
    [
        ("GET", "run", {}, None, "is not part of the API"),
        ("DELETE", "runs", {}, None, "is not part of the API"),
        ("GET", "runs", {"colour": "red"}, None, "unknown query parameter colour"),
        ("GET", "runs", {"page_size": "many"}, None, "page_size is no number"),
        ("POST", "runs", {}, None, "the body is missing"),
        ("GET", "runs", {}, {}, "a body is not expected"),
        ("POST", "experiments", {}, {}, "body.display_name is required"),
        ("POST", "experiments", {}, {"display_name": 5}, "body.display_name is no"),
        ("POST", "experiments", {}, {"display_name": "x", "name": "x"}, "body.name is unknown"),
        ("POST", "runs", {}, {"display_name": "x"}, "body.runtime_config is required"),
        (
            "POST",
            "recurringruns",
            {},
            {"display_name": "x", "max_concurrency": "one", "trigger": {}, "mode": "ON"},
            "body.max_concurrency is no int64",
        ),
    ],
)
def test_the_server_notices_what_is_against_the_api(
    kubeflow_api: Swagger,
    method: str,
    path: str,
    query: dict[str, str],
    body: Any,
    told: str,
) -> None:
    from kfp_server import PREFIX, Asked

    server = KubeflowServer(kubeflow_api)
    status, _ = server.answer(Asked(method, f"{PREFIX}{path}", query, {}, body))
    assert status >= 400
    assert told in "; ".join(server.violations)
