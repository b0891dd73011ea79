r"""A PostgreSQL store that tasks may write to at once, and whose strings may hold backslashes.

Two things that ML Metadata does for MySQL alone, or for nobody:

* Its transactions look whether a type of a name is there and then make it. With PostgreSQL's usual
  isolation, tasks that start together each make their own. So all transactions are serializable:
  of two that get into each other's way PostgreSQL refuses one, and it is repeated.
* It quotes a string by the PostgreSQL client's own function and then cuts the first and the last
  character off, taking them for the quotes. A string with a backslash comes out of that function as
  ` E'…'`, so the statement is broken and the call refused; the configuration of an evaluation, JSON
  within JSON, is full of them. So `\` stands in such a store as `＼`, which looks like it, and is
  read back as `\`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, MutableMapping, MutableSequence
from typing import Any

import ml_metadata
from google.protobuf.message import Message
from ml_metadata.proto import metadata_store_pb2

# PostgreSQL's client reads it; ML Metadata has no setting for it.
_OPTIONS_VARIABLE = "PGOPTIONS"
_SERIALIZABLE = "-c default_transaction_isolation=serializable"
_BACKSLASH, _STANDS_FOR_IT, _ITSELF = "\\", "\uff3c", "\u241b"
_TO_STORE = re.compile(f"[\\\\{_STANDS_FOR_IT}{_ITSELF}]")
_FROM_STORE = re.compile(f"{_ITSELF}(.)|{_STANDS_FOR_IT}", re.DOTALL)


class PostgreSQLStore(ml_metadata.MetadataStore):
    """A `MetadataStore` whose transactions are serializable and whose strings are kept whole."""

    def __init__(self, connection: metadata_store_pb2.ConnectionConfig) -> None:
        options = os.environ.get(_OPTIONS_VARIABLE, "")
        if _SERIALIZABLE not in options:
            os.environ[_OPTIONS_VARIABLE] = f"{options} {_SERIALIZABLE}".strip()
        super().__init__(connection)

    def _call(self, method_name: str, request: Any, response: Any, *rest: Any) -> Any:
        _rewrite(request, stored_text)
        answer = super()._call(method_name, request, response, *rest)
        _rewrite(response, original_text)
        return answer


def stored_text(text: str) -> str:
    """A string as the store can hold it."""
    return _TO_STORE.sub(
        lambda found: _STANDS_FOR_IT if found[0] == _BACKSLASH else _ITSELF + found[0], text
    )


def original_text(text: str) -> str:
    """The string that was stored."""
    return _FROM_STORE.sub(lambda found: found[1] or _BACKSLASH, text)


def _rewrite(message: Any, change: Callable[[str], str]) -> None:
    """Changes every string of a message and of the messages in it, but for the keys of maps."""
    for field, value in message.ListFields():
        if isinstance(value, str):
            setattr(message, field.name, change(value))
        elif isinstance(value, Message):
            _rewrite(value, change)
        elif isinstance(value, (MutableMapping, MutableSequence)):
            keys = list(value) if isinstance(value, MutableMapping) else range(len(value))
            for key in keys:
                if isinstance(value[key], str):
                    value[key] = change(value[key])
                elif isinstance(value[key], Message):
                    _rewrite(value[key], change)
