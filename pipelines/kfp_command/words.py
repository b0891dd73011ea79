"""Which words of `kfp`'s command line are Papergarden's."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

# Upstream's global options that take a value, kfp 2.5 to 2.16, and those of its client that its
# command lacks. Its others (--help, --version) end the command themselves, so words that start with
# them are upstream's.
VALUE_OPTIONS = {
    "--endpoint": "endpoint",
    "--iap-client-id": "iap_client_id",
    "-n": "namespace",
    "--namespace": "namespace",
    "--other-client-id": "other_client_id",
    "--other-client-secret": "other_client_secret",
    "--existing-token": "existing_token",
    "--output": "output",
    "--cookies": "cookies",
    "--ssl-ca-cert": "ssl_ca_cert",
    "--token-path": "token_path",
    "--ui-endpoint": "ui_endpoint",
}
FLAGS = {"--verify-ssl": "true", "--no-verify-ssl": "false"}


@dataclass(frozen=True)
class Request:
    """A `kfp [global options] run <registered pipeline> …` command line.

    Attributes:
        pipeline: The registered name.
        global_options: Upstream's global options by name, such as `endpoint` or `namespace`.
        words: What follows the pipeline's name, untouched.
    """

    pipeline: str
    global_options: Mapping[str, str]
    words: tuple[str, ...]


def parse_words(words: Sequence[str], pipelines: Container[str]) -> Request | None:
    """Reads the command line as upstream's click does: global options come before the command.

    Args:
        words: The command line behind the program's name.
        pipelines: The registered names.

    Returns:
        The request, or None if these words are upstream's.
    """
    options: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word in FLAGS:
            options["verify_ssl"] = FLAGS[word]
            continue
        option, has_value, value = word.partition("=")
        if word.startswith("-n") and word != "-n":
            option, has_value, value = "-n", "attached", word[2:].removeprefix("=")
        if option not in VALUE_OPTIONS:
            return None
        if not has_value:
            if not rest:
                return None
            value = rest.pop(0)
        options[VALUE_OPTIONS[option]] = value
    if len(rest) < 2 or rest[0] != "run" or rest[1] not in pipelines:
        return None
    return Request(pipeline=rest[1], global_options=options, words=tuple(rest[2:]))
