"""A Kubeflow Pipelines endpoint: its address, who asks, and what may be shown of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from components.errors import ConfigError

# Stands for a credential in everything that is shown.
HIDDEN = "***"
# Hiding shorter parts of a cookie would garble the text around it.
SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Endpoint:
    """Where Kubeflow Pipelines answers and as whom to ask it, as upstream's client takes it.

    Attributes:
        url: Its address, `http(s)://host[:port][/path]`.
        namespace: The user's namespace, on an endpoint that has several users.
        iap_client_id: OAuth client of Google's Identity-Aware Proxy in front of it.
        other_client_id: OAuth client that gets the user's tokens for that proxy.
        other_client_secret: Its secret.
        existing_token: A bearer token.
        token_path: File with a token that is renewed from outside, as Kubernetes does in a pod.
        cookies: The `Cookie` header, where a session stands for the user.
        ssl_ca_cert: File with the certificates to trust, for an endpoint that signed its own.
        verify_ssl: Whether to check the endpoint's certificate; None is the client's default, yes.
        page_url: Address of Kubeflow's page; None where it is the endpoint's own.

    Raises:
        ConfigError: The address, a credential or a file cannot be used.
    """

    url: str = field(repr=False)
    namespace: str | None = None
    iap_client_id: str | None = None
    other_client_id: str | None = None
    other_client_secret: str | None = field(default=None, repr=False)
    existing_token: str | None = field(default=None, repr=False)
    token_path: str | None = None
    cookies: str | None = field(default=None, repr=False)
    ssl_ca_cert: str | None = None
    verify_ssl: bool | None = None
    page_url: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _normal_url(self.url))
        for name in ("existing_token", "cookies", "other_client_secret"):
            value = (getattr(self, name) or "").strip()
            object.__setattr__(self, name, value or None)
            # The HTTP library would say so with the value in its words.
            if not (value.isascii() and value.isprintable()):
                raise ConfigError(
                    f"--{name.replace('_', '-')} cannot be sent in a header",
                    expected="one line of printable ASCII",
                )
        for option, path in (("--ssl-ca-cert", self.ssl_ca_cert), ("the token", self.token_path)):
            if path is not None and not Path(path).is_file():
                raise ConfigError(f"the file of {option} is not there", found=path)

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def redact(self, text: str) -> str:
        """The text with every credential hidden."""
        secrets = [self.existing_token, self.other_client_secret, urlsplit(self.url).password]
        parts = [one.partition("=")[2].strip() for one in (self.cookies or "").split(";")]
        secrets += [self.cookies, *(one for one in parts if len(one) >= SHORTEST_SECRET)]
        text = text.replace(self.url, self.shown)
        for secret in filter(None, secrets):
            text = text.replace(secret, HIDDEN)
        return text

    @property
    def words(self) -> list[str]:
        """The options that say the same of it, without credentials."""
        words = ["--endpoint", self.shown]
        if self.ssl_ca_cert:
            words += ["--ssl-ca-cert", self.ssl_ca_cert]
        return words + ["--no-verify-ssl"] * (self.verify_ssl is False)

    def page(self, kind: str, identifier: str) -> str:
        """The page that shows something of Kubeflow's.

        Args:
            kind: `runs` or `recurringrun`.
            identifier: The id of what is shown.
        """
        place = _normal_url(self.page_url) if self.page_url else self.shown
        return f"{place}/#/{kind}/details/{identifier}"


def _normal_url(text: str) -> str:
    """The address in the form that the client takes; a browser's `#/…` is not part of it."""
    url = text.strip()
    if "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        # Reading it is what checks it.
        _ = parts.port
    except ValueError as error:
        raise _no_address(text) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise _no_address(text)
    return parts._replace(fragment="").geturl().rstrip("/")


def _no_address(text: str) -> ConfigError:
    # Whatever is wrong with it, what stands before an @ may be a password.
    return ConfigError(
        "--endpoint is no address of Kubeflow Pipelines",
        found=f"{HIDDEN}@{text.rpartition('@')[2]}" if "@" in text else text.partition("?")[0],
        expected="http://HOST:PORT or https://HOST/PATH, without a query",
        fix="`kubectl port-forward -n kubeflow svc/ml-pipeline 8888:8888` makes a cluster's "
        "endpoint http://localhost:8888",
    )
