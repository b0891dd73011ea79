"""Which operations a graph executes."""

from __future__ import annotations

from typing import Any


def executed_ops(graph_def: Any) -> set[str]:
    """Operations of a graph and of the loops in it; the library also holds loops of others."""
    library = {
        function.signature.name: function.node_def for function in graph_def.library.function
    }
    waiting, seen, found = [graph_def.node], set(), set()
    while waiting:
        for node in waiting.pop():
            found.add(node.op)
            called = {value.func.name for value in node.attr.values() if value.func.name}
            # The branches of a condition.
            called |= {f.name for value in node.attr.values() for f in value.list.func}
            waiting += [library[name] for name in called - seen]
            seen |= called
    return found
